"""TLS reports to receivers on the lab's Internet: what is in them, and that none is about one."""

from __future__ import annotations

import email
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from components.services.tls_reports.units import COLLECTD, REPORTD, SOCKET, STATE
from lab import postfix
from lab.topology import INTERNET

from .conftest import Ssh, eventually
from .test_tls_policy import PEER, peers, policy, publish, send

pytestmark = pytest.mark.host
__all__ = ["peers"]

# To the domain that was reported on: a report about that delivery would beget the next.
DESTINATIONS = {
    "dane": "reports@dane.sender.test",
    "mismatch": "reports-mismatch@sender.test",
    "sts": "reports-sts@sender.test",
    "both": "reports-both@sender.test",
}
DROP_IN = f"/run/systemd/system/{REPORTD}.d"
BY_POST = "https://mta-sts.sts.sender.test/report"
# A database of its own: the reporter's already knows that yesterday is done.
AT_ONCE = f"""
mkdir -p {DROP_IN}
cat >{DROP_IN}/at-once.conf <<'END'
[Service]
Environment=TLSRPT_REPORTD_DBNAME={STATE}/at-once.sqlite
Environment=TLSRPT_REPORTD_SPREAD_OUT_DELIVERY=1
Environment=TLSRPT_REPORTD_INTERVAL_MAIN_LOOP=1
END
systemctl daemon-reload && systemctl restart {REPORTD}
"""
AS_BEFORE = (
    f"rm -rf {DROP_IN}; systemctl daemon-reload; systemctl restart {REPORTD}; "
    f"rm -f {STATE}/at-once.sqlite*"
)
READ = """python3 - <<'END'
import sqlite3
link = sqlite3.connect("file:{path}?mode=ro", uri=True)
for row in link.execute("SELECT domain FROM finalresults"):
    print(*row)
END"""


def collected(ssh: Ssh, day: str = "") -> list[str]:
    """Domains of which sessions are in the collector's database, as far as it is written."""
    return ssh("mx1", READ.format(path=f"{STATE}/collectd.sqlite{day}")).split()


def counted(ssh: Ssh, domain: str) -> None:
    eventually(lambda: f"{domain}.sender.test" in collected(ssh), 30)


def mails(domain: str) -> list[Path]:
    return list(postfix.maildir(INTERNET.root, DESTINATIONS[domain]).glob("new/*"))


def received(domain: str) -> tuple[Path, Message]:
    eventually(lambda: bool(mails(domain)), 60)
    [path] = mails(domain)
    return path, email.message_from_bytes(path.read_bytes())


def content(mail: Message) -> dict[str, Any]:
    """The report in a mail."""
    parts = [part for part in mail.walk() if part.get_content_type() == "application/tlsrpt+gzip"]
    packed = parts[0].get_payload(decode=True)
    assert isinstance(packed, bytes)
    found: dict[str, Any] = json.loads(gzip.decompress(packed))
    return found


@pytest.fixture(scope="module")
def sent(ssh: Ssh, peers: None) -> Iterator[None]:
    """One message to each of three domains; the day is over for the collector, reports are sent."""
    records = [
        f'_smtp._tls.{domain}.sender.test. 5 TXT "v=TLSRPTv1; rua=mailto:{address}{more}"'
        for domain, address in DESTINATIONS.items()
        for more in ([f",{BY_POST}"] if domain == "sts" else [""])
    ]
    publish(ssh, "add", records)
    # Sessions that are resumed are not reported; a reload forgets them.
    ssh("mx1", "postfix reload")
    policy(ssh, "dane", "OK dane-only")
    policy(ssh, "mismatch", "OK dane-only")
    policy(ssh, "sts", "OK secure match=mx-sts.sender.test")
    for domain, status in (("dane", "sent"), ("mismatch", "deferred"), ("sts", "sent")):
        assert f"status={status}" in send(ssh, domain)[1]
        counted(ssh, domain)
    # For tests of its authors: what was collected today counts as yesterday's, whose day is over.
    ssh("mx1", f"systemctl kill --kill-whom=main --signal=USR2 {COLLECTD}")
    eventually(lambda: "sts.sender.test" in collected(ssh, ".yesterday"), 20)
    ssh("mx1", AT_ONCE)
    yield
    ssh("mx1", AS_BEFORE)
    publish(ssh, "delete", records)
    ssh("mx1", 'postqueue -j | grep -o \'"queue_id": "[^"]*"\' | cut -d\'"\' -f4 | postsuper -d -')
    for domain in DESTINATIONS:
        for path in mails(domain):
            path.unlink()


def test_the_mail_is_a_signed_report(ssh: Ssh, sent: None) -> None:
    path, mail = received("dane")
    assert mail.get_content_type() == "multipart/report"
    assert mail.get_param("report-type") == "tlsrpt"
    assert mail["From"] == "postmaster@example.test"
    assert mail["TLS-Report-Domain"] == "dane.sender.test"
    assert mail["TLS-Report-Submitter"] == "example.test"
    assert mail["TLS-Required"].lower() == "no"
    assert len(mail.get_all("Date", [])) == 1
    assert "d=example.test" in mail["DKIM-Signature"]
    told = ssh("internet", f"dkimverify </{path.relative_to(INTERNET.root)} 2>&1; true")
    assert "signature ok" in told


def test_the_report_says_who_when_and_what(sent: None) -> None:
    _, mail = received("dane")
    report = content(mail)
    day = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    assert report["organization-name"] == "MX lab"
    assert report["contact-info"] == "postmaster@example.test"
    assert report["date-range"] == {
        "start-datetime": f"{day}T00:00:00Z",
        "end-datetime": f"{day}T23:59:59Z",
    }
    assert "mx1exampletest" in report["report-id"]
    [found] = report["policies"]
    assert found["policy"]["policy-type"] == "tlsa"
    assert found["policy"]["policy-string"][0].startswith("3 1 1 ")
    assert found["summary"] == {
        "total-successful-session-count": 1,
        "total-failure-session-count": 0,
    }


def test_a_session_that_failed_is_reported(sent: None) -> None:
    [found] = content(received("mismatch")[1])["policies"]
    assert found["summary"]["total-successful-session-count"] == 0
    assert found["summary"]["total-failure-session-count"] >= 1
    assert found["failure-details"][0]["receiving-mx-hostname"] == "mx-mismatch.sender.test"


def test_an_mta_sts_policy_is_in_the_report(sent: None) -> None:
    [found] = content(received("sts")[1])["policies"]
    assert found["policy"]["policy-type"] == "sts"
    assert found["policy"]["policy-domain"] == "sts.sender.test"
    assert "mode: enforce" in found["policy"]["policy-string"]


def test_the_same_report_goes_by_https(sent: None) -> None:
    posted = PEER / "report.application-tlsrpt+gzip"
    eventually(posted.is_file, 60)
    assert json.loads(gzip.decompress(posted.read_bytes())) == content(received("sts")[1])


def test_a_report_begets_no_report(ssh: Ssh, sent: None) -> None:
    received("dane")
    # What comes later is counted, so what was before would be, too.
    policy(ssh, "both", "OK dane-only")
    assert "status=sent" in send(ssh, "both")[1]
    counted(ssh, "both")
    assert "dane.sender.test" not in collected(ssh)


def test_nobody_else_reads_it(ssh: Ssh, sent: None) -> None:
    assert ssh("mx1", f"stat -Lc %a {STATE}").strip() == "700"
    assert ssh("mx1", f"find -L {STATE} -perm /077 -type f") == ""
    assert ssh("mx1", f"stat -c '%a %G' {SOCKET}").strip() == "660 postfix"


def test_without_the_collector_mail_goes_at_once(ssh: Ssh, sent: None) -> None:
    ssh("mx1", f"systemctl stop {COLLECTD}")
    try:
        assert ssh("mx1", f"test -e {SOCKET} || echo none") == "none\n"
        ssh("mx1", "postfix reload")  # a session that is resumed would not be told at all
        assert "status=sent" in send(ssh, "dane")[1]
    finally:
        ssh("mx1", f"systemctl start {COLLECTD}")
