"""New MX records wait until mail can arrive at their host and leave it; published ones stay."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import topology

from .conftest import Ssh
from .looking import ask
from .test_stack import stack_file

__all__ = ["stack_file"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
# Nobody but the host itself reaches port 25 of mx2; connections that are open stay.
BLOCK = (
    "nft 'add table inet blocked; add chain inet blocked in "
    "{ type filter hook input priority -10; }; "
    "add rule inet blocked in iif != lo tcp dport 25 ct state new drop'"
)
MAILBOXES = """      closed: {hostname: mailbox1.example.test, port: 2525}
      unknown: {hostname: nosuch.example.test}
"""
DOMAIN = """      {0}:
        mailboxHost: {1}
        recipients: [{2}]
"""
BAD = {
    "closed.example.test": ("closed", "mailbox1.example.test port 2525: [Errno 111]"),
    "unknown.example.test": ("unknown", "nosuch.example.test port 25: the name does not resolve"),
    "refused.example.test": ("mailbox1", "RCPT TO:<dora@refused.example.test> is refused: 5"),
}


def _with(text: str, good: bool) -> str:
    """The stack file with three domains whose mailbox host takes no mail, and one that does."""
    text = text.replace("    mailboxHosts:\n", f"    mailboxHosts:\n{MAILBOXES}", 1)
    zone = topology.CLOUDFLARE_ZONES["example3.test"]
    text = text.replace("      zones:\n", f"      zones:\n        example3.test: {zone}\n", 1)
    domains = DOMAIN.format("example3.test", "mailbox1", "carol")
    if not good:
        domains += "".join(DOMAIN.format(name, box, "dora") for name, (box, _) in BAD.items())
    return text.replace("    domains:\n", f"    domains:\n{domains}", 1)


def test_mx_records_wait_for_ports_and_mailbox_hosts(
    pulumi: Pulumi, ssh: Ssh, stack_file: Path
) -> None:
    before = stack_file.read_text()
    mx = sorted(ask("example.test", "MX"))
    assert len(mx) == 2
    stack_file.write_text(_with(before, good=False))
    preview = pulumi("preview")
    plain = " ".join((preview.stdout + preview.stderr).split())
    assert "the mailbox host mailbox1.example.test:2525 is not reached: no greeting" in plain
    assert "mail for closed.example.test would wait in the queue" in plain
    assert "the mailbox host nosuch.example.test:25 is not reached" in plain
    ssh("mx2", BLOCK)
    try:
        done = pulumi("up", "--yes", "--skip-preview", "--continue-on-error")
    finally:
        ssh("mx2", "nft delete table inet blocked")
    plain = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "Traceback" not in plain
    for name, (_, words) in BAD.items():
        assert f"the MX record of {name} for mx1 is held back" in plain
        assert words in plain
        assert ask(name, "MX") == []
    assert "198.18.77.12 does not answer on port 25, seen from this machine" in plain
    assert sorted(ask("example3.test", "MX")) == ["10 mx1.example.test"]
    assert sorted(ask("example.test", "MX")) == mx
    # Mended, `up` goes on.
    stack_file.write_text(_with(before, good=True))
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(ask("example3.test", "MX")) == ["10 mx1.example.test", "20 mx2.example.test"]


def test_closed_port_of_the_mailbox_host_of_a_served_domain_is_told_before_mail_goes_there(
    pulumi: Pulumi, stack_file: Path
) -> None:
    text = stack_file.read_text()
    name = "hostname: mailbox1.example.test\n"
    assert text.count(name) == 1
    words = "the mailbox host mailbox1.example.test:2525 is not reached: no greeting"
    for changed, told in ((text.replace(name, f"{name}        port: 2525\n"), True), (text, False)):
        stack_file.write_text(changed)
        done = pulumi("preview")
        plain = " ".join((done.stdout + done.stderr).split())
        assert (words in plain) is told


def test_another_release_is_refused_with_both_by_preview_and_up(
    pulumi: Pulumi, stack_file: Path
) -> None:
    text = stack_file.read_text()
    there = 12 if "debian: 12" in text else 13
    other = 25 - there
    text = text.replace(f"        debian: {there}\n", "")
    stack_file.write_text(
        text.replace(
            "hostname: mx2.example.test\n", f"hostname: mx2.example.test\n        debian: {other}\n"
        )
    )
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        done = pulumi(*command)
        plain = " ".join((done.stdout + done.stderr).split())
        assert done.returncode != 0
        words = f"mx:mail.hosts.mx2.debian is {other}, but the host runs debian {there}"
        assert f"stacks/Pulumi.lab.yaml: {words}: write `debian: {there}`" in plain
        assert "Nothing was changed" in plain
    stack_file.write_text(text)
