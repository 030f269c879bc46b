"""An MX host is removed while 50 messages wait there for a mailbox host that is down."""

from __future__ import annotations

import smtplib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.host.conftest import MX2, Ssh, eventually
from tests.host.looking import watching
from tests.host.test_dns import served
from tests.host.test_queued import COUNT, MESSAGES, SEND
from tests.host.test_stack import set_postfix, stack_file

__all__ = ["stack_file"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
ARRIVED = (
    "for f in /var/mail/example.test/alice/new/*; do head -c 4000 $f; done "
    "| grep -ac '^Subject: leaves ' || true"
)


TLS = "dane\nmay\n"


def greets() -> str:
    """What mx2 greets with."""
    with smtplib.SMTP(timeout=60) as client:
        return client.connect(MX2, 25)[1].decode()


def refused(pulumi: Pulumi, ssh: Ssh) -> None:
    """Preview and `up` say what waits on mx2; `up` takes nothing away."""
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        done = pulumi(*command)
        plain = " ".join((done.stdout + done.stderr).split())
        assert (
            f"hosts.mx2: the host is being removed, but {MESSAGES} messages are queued there, the "
            "oldest for" in plain
        )
    assert done.returncode != 0
    assert "or with `giveUpQueue: true` for one `mx up`" in plain
    assert ssh("mx2", "postconf -h smtp_tls_security_level smtpd_tls_security_level") == TLS
    assert served("mx2.example.test", "A") == [MX2]
    assert ssh("mx2", COUNT).strip() == str(MESSAGES), "a message was lost"
    assert greets().startswith("mx2.example.test ESMTP")


def test_removed_host_keeps_its_postfix_until_its_queue_is_empty(
    pulumi: Pulumi, ssh: Ssh, stack_file: Path
) -> None:
    set_postfix(stack_file, "      drainSeconds: 10")
    text = stack_file.read_text()
    entry = text[text.index("      mx2:\n") : text.index("    mailboxHosts:\n")]
    with watching("example.test") as watch:
        stack_file.write_text(text.replace(entry, f"{entry}        leaving: true\n"))
        done = pulumi("up", "--yes", "--skip-preview")
        assert done.returncode == 0, done.stdout + done.stderr
        assert served("example.test", "MX") == ["10 mx1.example.test."]
        stack_file.write_text(text.replace(entry, ""))
        ssh("mailbox1", "systemctl stop postfix")
        try:
            ssh("mx2", SEND.format(MESSAGES, "leaves"))
            eventually(lambda: ssh("mx2", COUNT).strip() == str(MESSAGES), 60)
            refused(pulumi, ssh)
        finally:
            ssh("mailbox1", "systemctl start postfix")
        assert ssh("mailbox1", ARRIVED).strip() == "0"
        ssh("mx2", "postqueue -f")
        eventually(lambda: ssh("mailbox1", ARRIVED).strip() == str(MESSAGES), 120)
        done = pulumi("up", "--yes", "--skip-preview")
        assert done.returncode == 0, done.stdout + done.stderr
        eventually(watch.looks_again(), 60)
    assert watch.faults == []
    assert ssh("mx2", "systemctl is-active postfix || true").strip() == "inactive"
