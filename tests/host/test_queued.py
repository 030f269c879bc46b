"""A domain or the stack goes while 50 messages are queued: it is refused, and nothing is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import topology

from .conftest import Ssh, eventually
from .looking import ask
from .test_stack import stack_text

__all__ = ["stack_text"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
MESSAGES = 50
SEND = (
    "for number in $(seq {}); do printf 'Subject: {} %s\\n\\n' $number | "
    "sendmail -f sender@example.test alice@example.test & done; wait"
)
COUNT = "postqueue -j | grep -c alice@example.test || true"


@pytest.fixture
def queued(ssh: Ssh) -> Iterator[None]:
    """Mail in the queue of mx2, whose mailbox host is down; at the end the queue is empty again."""
    ssh("mailbox1", "systemctl stop postfix")
    try:
        ssh("mx2", SEND.format(MESSAGES, "kept"))
        eventually(lambda: ssh("mx2", COUNT).strip() == str(MESSAGES), 60)
        yield
        assert ssh("mx2", COUNT).strip() == str(MESSAGES), "a message was lost"
    finally:
        ssh("mailbox1", "systemctl start postfix")
    ssh("mx2", "postqueue -f")
    eventually(lambda: ssh("mx2", COUNT).strip() == "0", 120)


def test_domain_and_stack_that_go_with_mail_queued_are_refused(
    pulumi: Pulumi, ssh: Ssh, stack_text: Path, queued: None
) -> None:
    records = ask("example.test", "MX"), ask("mx2.example.test", "A")
    # destroy first: it does not run the program.
    done = pulumi("destroy", "--yes", "--skip-preview", "--continue-on-error")
    plain = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "Nothing was taken away" in plain
    assert f"mx2: {MESSAGES} messages are queued, the oldest for" in plain
    assert (ask("example.test", "MX"), ask("mx2.example.test", "A")) == records
    assert ssh("mx1", "systemctl is-active postfix").strip() == "active"
    # The domain becomes another one, in a zone that the lab has.
    text = stack_text.read_text()
    zone = topology.CLOUDFLARE_ZONES["example3.test"]
    text = text.replace("      zones:\n", f"      zones:\n        example3.test: {zone}\n", 1)
    text = text.replace("contact: postmaster@example.test", "contact: postmaster@example3.test")
    head, _, domains = text.partition("    domains:\n")
    stack_text.write_text(
        f"{head}    domains:\n"
        "      example3.test: {mailboxHost: mailbox1, recipients: [postmaster]}\n"
        "    firewall:\n" + domains.partition("    firewall:\n")[2]
    )
    words = (
        "domains.example.test: the domain is being removed, but "
        f"{MESSAGES} messages are queued for it on mx2"
    )
    preview = pulumi("preview")
    assert words in " ".join((preview.stdout + preview.stderr).split())
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode != 0
    assert words in " ".join((done.stdout + done.stderr).split())
    assert (ask("example.test", "MX"), ask("mx2.example.test", "A")) == records
