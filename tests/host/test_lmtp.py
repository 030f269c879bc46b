"""A mailbox host with `protocol: lmtp` whose server offers TLS and then refuses it.

The settings' lines and rows are put on mx1 by hand, which saves an `up`; that the settings make
them is in tests/unit/services.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from components.services.database import rows
from components.services.postfix import main_cf
from components.settings.environment import from_mapping
from lab.topology import MAILBOX1
from tests.support.mapping import mapping

from .conftest import Ssh, eventually

pytestmark = pytest.mark.host

# It takes one session, writes the client's commands into a file, and never begins TLS.
SERVER = """
import socket
answers = {"LHLO": "250-x\\r\\n250-STARTTLS\\r\\n250 ENHANCEDSTATUSCODES", "DATA": "354 go",
           "QUIT": "221 bye", "STARTTLS": "454 later"}
listening = socket.create_server(("::", 2424), family=socket.AF_INET6, dualstack_ipv6=True)
listening.settimeout(100)
link, _ = listening.accept()
stream, said, in_data = link.makefile("rwb"), [], False
def answer(text):
    stream.write(text.encode() + b"\\r\\n")
    stream.flush()
answer("220 lmtp")
for line in stream:
    word = line.split()[0].decode().upper() if line.split() else ""
    if in_data:
        in_data = line != b".\\r\\n"
        if not in_data:
            answer("250 ok")
        continue
    said.append(word)
    answer(answers.get(word, "250 ok"))
    in_data = word == "DATA"
    if word == "QUIT":
        break
open("/run/lmtp-said", "w").write(" ".join(said))
"""
DOMAIN = "lmtp.test"
QUEUED = "postqueue -j | grep -c lmtp.test || true"


def settings(policies: dict[str, str]) -> Any:
    box = {"hostname": MAILBOX1.fqdn, "port": 2424, "protocol": "lmtp"}
    return from_mapping(
        mapping()
        | {"mailboxHosts": {"mailbox1": box}, "postfix": {"tlsPolicies": policies}}
        | {"certificates": {"acceptTerms": True}}
    )


@pytest.fixture
def deliver(ssh: Ssh) -> Iterator[Callable[[dict[str, str]], list[str]]]:
    """Send a message by LMTP from mx1 under these `tlsPolicies`; the commands of the client."""
    client = main_cf.tls_sections(settings({}), "mx1", ["/chain"])["61-tls-client.cf"]
    lines = [line for line in client.splitlines() if line.startswith("lmtp_")]
    keep = "cp -p /etc/postfix/main.cf /run/main.cf"
    ssh("mx1", f"{keep}; postconf -e {' '.join(repr(line) for line in lines)}; postfix reload 2>&1")

    def sql(text: str) -> None:
        ssh("mx1", f"mariadb mail <<'END'\n{text}\nEND")

    def send(policies: dict[str, str]) -> list[str]:
        wanted = rows.tables(settings(policies), "mx1")
        nexthop = wanted["transport"].split()[1]
        sql(
            f"INSERT mail_domain VALUES ('{DOMAIN}'); "
            f"INSERT transport VALUES ('{DOMAIN}', '{nexthop}');"
        )
        for row in wanted["tls_policy"].splitlines():
            sql("INSERT tls_policy VALUES ('{}', '{}');".format(*row.split("\t")))
        ssh("mailbox1", f"rm -f /run/lmtp-said; cat >/run/lmtp.py <<'END'\n{SERVER}\nEND")
        ssh("mailbox1", "systemd-run --quiet --collect --unit=lmtp python3 /run/lmtp.py")
        ssh("mx1", f"echo hello | sendmail -f alice@example.test someone@{DOMAIN}")
        eventually(lambda: ssh("mailbox1", "cat /run/lmtp-said || true") != "", 60)
        return ssh("mailbox1", "cat /run/lmtp-said").split()

    yield send
    ssh("mailbox1", "systemctl stop lmtp || true; rm -f /run/lmtp*")
    sql(
        "DELETE FROM transport WHERE domain = 'lmtp.test'; DELETE FROM tls_policy "
        "WHERE nexthop LIKE '%:2424'; DELETE FROM mail_domain WHERE name = 'lmtp.test';"
    )
    ssh(
        "mx1",
        'postqueue -j | grep lmtp.test | grep -o \'"queue_id": "[^"]*\' | cut -d\'"\' -f4 | '
        "xargs -r -n1 postsuper -d; cp -p /run/main.cf /etc/postfix/main.cf; postfix reload 2>&1",
    )


def test_without_a_policy_tls_is_tried_and_mail_goes(
    deliver: Callable[[dict[str, str]], list[str]],
) -> None:
    said = deliver({})
    assert said[:2] == ["LHLO", "STARTTLS"]
    assert "DATA" in said


def test_with_a_policy_mail_waits_and_never_goes_in_clear(
    deliver: Callable[[dict[str, str]], list[str]], ssh: Ssh
) -> None:
    said = deliver({f"[{MAILBOX1.fqdn}]:2424": "encrypt"})
    assert said[:2] == ["LHLO", "STARTTLS"]
    assert not {"MAIL", "DATA"} & set(said)
    assert ssh("mx1", QUEUED) == "1\n"
