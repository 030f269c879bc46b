"""Edits by hand, all at once: drift and preview see each with its reason, one `up` heals them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tools.preview.files import AGAIN

from .conftest import ROOT, Ssh
from .test_dns import ZONE, api, records, served

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
TABLES = "/etc/postfix/tables"
SQL = "/etc/postfix/sql"
SECTION = "/etc/postfix/main.cf.d/80-restrictions.cf"
MARIADB = "mariadb mail -e"


class Edit(NamedTuple):
    """What a hand does on a host, and what is said of it under which component."""

    host: str
    component: str
    hand: str
    said: str


EDITS = {
    "content": Edit(
        *("mx1", "postfix"),
        f"sed -i 's/^smtpd_helo_required = yes/smtpd_helo_required = no/' {SECTION}",
        f"{SECTION}: content changed",
    ),
    "assembled": Edit(
        *("mx1", "postfix"),
        "echo mynetworks = 0.0.0.0/0 >>/etc/postfix/main.cf",
        "+mynetworks = 0.0.0.0/0",
    ),
    "mode": Edit(
        *("mx1", "postfix"),
        f"chmod 0600 {TABLES}/mynetworks.cidr",
        f"{TABLES}/mynetworks.cidr: mode 0600, not 0644",
    ),
    "owner": Edit(
        *("mx1", "postfix"),
        f"chown nobody {SQL}/transport.cf",
        f"{SQL}/transport.cf: owner changed",
    ),
    "deleted": Edit(
        "mx1", "postfix", f"rm {SQL}/relay_domains.cf", f"{SQL}/relay_domains.cf: missing"
    ),
    "extra": Edit("mx1", "postfix", f"touch {TABLES}/mine", f"{TABLES}/mine: belongs to no bundle"),
    "directory": Edit("mx1", "postfix", f"chmod 0700 {TABLES}", f"{TABLES}: mode 0700, not 0755"),
    # Before "stopped": dpkg(1) starts what it configured.
    "package": Edit(
        *("mx1", "postfix"),
        "apt-get -q -y remove postfix-mysql",
        "postfix-mysql: not installed",
    ),
    "stopped": Edit(
        "mx1", "postfix", "systemctl stop postfix.service", "postfix.service: not active since "
    ),
    "disabled": Edit(
        "mx2", "resolver", "systemctl disable unbound.service", "unbound.service: not enabled"
    ),
    "masked": Edit(
        "mx2", "postfix", "systemctl mask --now postfix.service", "postfix.service: masked"
    ),
    # Where a package is missing, too: its installation holds back what does not run.
    "masked beside a missing package": Edit(
        *("mx1", "redis"),
        "systemctl mask --now redis-server.service",
        "redis-server.service: masked",
    ),
    "row": Edit(
        *("mx2", "mail-database"),
        f"""{MARIADB} "UPDATE recipient SET local_part = 'mallory' WHERE local_part = 'bob'" """,
        "database mail: differs\n-recipient example.test bob\n+recipient example.test mallory",
    ),
    "rule": Edit(
        *("mx2", "firewall"),
        "nft add rule inet mx input tcp dport 81 accept",
        "rules in the kernel: differs\n+\t\ttcp dport 81 accept",
    ),
    "account": Edit(
        *("mx1", "mail-database"),
        f'{MARIADB} "DROP USER postfix@localhost"',
        "postfix@localhost cannot read: ",
    ),
}
# main.cf and the service are of two bundles, and so is each package: both see them.
SHARED = {("mx1", "postfix-tls"), ("mx2", "postfix-tls"), ("mx1", "packages")}
# Rules that are healed are confirmed anew.
CONFIRMED = {("mx2", "firewall-confirmed")}
RECORD = "mx2.example.test"


def report(
    lab: dict[str, str], *options: str, script: str = "preview"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [f"scripts/{script}", "lab", *options],
        cwd=ROOT,
        env=lab,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def changed_record() -> tuple[str, str]:
    """Change the address of mx2 at the API; what it was and the lines that tell it."""
    [record] = [r for r in records().values() if r["name"] == RECORD and r["type"] == "A"]
    api("PATCH", f"{ZONE}/dns_records/{record['id']}", {"content": "198.18.77.98"})
    line = f"{RECORD}. {record['ttl']} IN A "
    return record["content"], f"drift: DNS:\n-{line}{record['content']}\n+{line}198.18.77.98"


def told(document: dict[str, Any], edit: Edit) -> bool:
    """Whether the report's drift of the host's component has the reason."""
    head = f"drift: {edit.host}: {edit.component}: "
    return any(text.startswith(head) and edit.said in text for text in document["drift"])


def test_every_kind_of_edit_is_seen_with_its_reason_and_healed_by_one_up(
    lab: dict[str, str], pulumi: Pulumi, ssh: Ssh
) -> None:
    for edit in EDITS.values():
        ssh(edit.host, edit.hand)
    address, line = changed_record()
    reports = [report(lab, "--json", script=script) for script in ("drift", "preview")]
    healed = pulumi("up", "--yes", "--skip-preview", "--refresh")

    for seen in reports:
        assert seen.returncode == 2, seen.stdout + seen.stderr
        document = json.loads(seen.stdout)
        assert [kind for kind, edit in EDITS.items() if not told(document, edit)] == []
        assert line in document["drift"]
        # An open relay made by hand is what a person who is paged must read first.
        first = (
            "mx1: somebody edited Postfix. mynetworks in /etc/postfix/main.cf: 0.0.0.0/0 matches"
        )
        assert document["risks"][0].startswith(first), document["risks"]
        assert "an open relay" in document["risks"][0]
        # Nothing else is blamed, and drift is the only reason.
        by = {(c["host"], c["component"]): c["why"] for c in document["changes"]}
        again = [by.pop(each) for each in CONFIRMED if each in by]
        assert again == ([] if seen is reports[0] else [[AGAIN]])
        assert by.keys() == {
            *((edit.host, edit.component) for edit in EDITS.values()),
            *SHARED,
        }
        assert {reason for why in by.values() for reason in why} == {"drift"}
        assert len(document["drift"]) == len(by) + 1
        assert [record["new"].split()[0] for record in document["records"]] == [f"{RECORD}."]
    assert healed.returncode == 0, healed.stdout + healed.stderr
    after = report(lab)
    assert after.returncode == 0, after.stdout + after.stderr
    for host in ("mx1", "mx2"):
        assert ssh(host, "systemctl is-active postfix unbound mariadb") == "active\n" * 3
        assert "dport 81" not in ssh(host, "nft list table inet mx")
        assert "mallory" not in ssh(host, f'{MARIADB} "SELECT local_part FROM recipient"')
    assert served(RECORD, "A") == [address]


def test_nothing_is_reported_after_log_rotation_and_upgrade(lab: dict[str, str], ssh: Ssh) -> None:
    ssh("mx1", "journalctl --rotate; apt-get -q -y install --reinstall postfix-mysql")
    after = report(lab)
    assert after.returncode == 0, after.stdout + after.stderr
