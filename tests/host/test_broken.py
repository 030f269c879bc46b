"""Broken on purpose: `up` fails with the check's words and the host is as before.

One way more, a service that dies after its reload, is in test_canary.py.
"""

from __future__ import annotations

import smtplib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import MX1, Ssh
from .test_stack import set_postfix, stack_text

__all__ = ["stack_text"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]

TAKE_PORT = (
    "systemd-run --quiet --unit=port-taker python3 -c "
    "'import socket, time; s = socket.create_server((\"198.18.77.111\", 25)); time.sleep(600)'"
)
FILL = (
    "cd /etc/postfix/main.cf.d && cp -a . /run/main.cf.d && mount -t tmpfs -o size=1m tmpfs . && "
    "cp -a /run/main.cf.d/. /etc/postfix/main.cf.d/ && "
    "mount -o remount,size=$(du -B1 -s /etc/postfix/main.cf.d | cut -f1) /etc/postfix/main.cf.d"
)
UNFILL = "umount /etc/postfix/main.cf.d && rm -rf /run/main.cf.d"
DIGEST = "cd /etc/postfix && find . -type f | sort | xargs sha256sum"
SIZE = "      messageSizeLimitBytes: 10485760"

CASES = {
    "unknown_parameter": ("      extra: {smtpd_no_such: 'yes'}", "", "", "smtpd_no_such"),
    "undefined_in_a_value": (
        "      extra: {smtp_helo_name: '$nosuch'}",
        "",
        "",
        "mx:mail.postfix.extra.smtp_helo_name: an empty value",
    ),
    "syntax_error": ("      extra: {smtp_helo_name: '${bad'}", "", "", "truncated macro reference"),
    "map_that_does_not_answer": (
        "      extra: {proxy_read_maps: '$mynetworks'}",
        "",
        "",
        "probe postmap -q example.test proxy:mysql:/etc/postfix/sql/relay_domains.cf",
    ),
    "disk_full_at_staging": (SIZE, FILL, UNFILL, "no space left on device"),
}


def serves() -> None:
    """Postfix on mx1 accepts a known recipient."""
    with smtplib.SMTP(MX1, 25, "out.sender.test", timeout=60) as client:
        client.ehlo()
        client.mail("alice@sender.test")
        assert client.rcpt("alice@example.test")[0] == 250


@pytest.mark.parametrize("case", CASES)
def test_the_host_is_as_before(pulumi: Pulumi, ssh: Ssh, stack_text: Path, case: str) -> None:
    line, breaks, mends, words = CASES[case]
    if breaks:
        ssh("mx1", breaks)
    try:
        before = ssh("mx1", DIGEST)
        set_postfix(stack_text, line)
        done = pulumi("up", "--yes", "--skip-preview")
        output = done.stdout + done.stderr
        assert done.returncode != 0, output
        assert words in output
        assert "Traceback" not in output
        # The engine deletes what a program that ends well did not register: MX records too.
        assert " deleted" not in output
        assert ssh("mx1", DIGEST) == before
        serves()
    finally:
        if mends:
            ssh("mx1", mends)
    if mends:
        healed = pulumi("up", "--yes", "--skip-preview")
        assert healed.returncode == 0, healed.stdout + healed.stderr


def test_port_already_taken(pulumi: Pulumi, ssh: Ssh, stack_text: Path) -> None:
    before = stack_text.read_text()
    key = "        hostname: mx1.example.test\n"
    narrow, wide = (
        before.replace(key, f"{key}        inetInterfaces: [{addresses}]\n")
        for addresses in (
            f"127.0.0.1, 2001:db8:77::11, 198.18.77.11{more}" for more in ("", ", 198.18.77.111")
        )
    )
    ssh("mx1", "ip address replace 198.18.77.111/24 dev eth0")
    stack_text.write_text(narrow)
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    ssh("mx1", TAKE_PORT)
    try:
        files = ssh("mx1", DIGEST)
        stack_text.write_text(wide)
        done = pulumi("up", "--yes", "--skip-preview")
        output = done.stdout + done.stderr
        assert done.returncode != 0, output
        assert "Address already in use" in output
        assert ssh("mx1", DIGEST) == files
        serves()
    finally:
        ssh("mx1", "systemctl stop port-taker.service")
    healed = pulumi("up", "--yes", "--skip-preview")
    assert healed.returncode == 0, healed.stdout + healed.stderr


def test_a_removed_domain_and_recipient_disappear(
    pulumi: Pulumi, ssh: Ssh, stack_text: Path
) -> None:
    with_domain = stack_text.read_text().replace(
        "    domains:\n",
        "    domains:\n      sub.example.test: {mailboxHost: mailbox1, recipients: [carol]}\n",
    )
    plain = stack_text.read_text()
    stack_text.write_text(with_domain)
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    map_ = "proxy:mysql:/etc/postfix/sql/relay_recipients.cf"
    ask = f"postmap -q carol@sub.example.test {map_} || echo none"
    mx = "kdig @198.18.77.54 +short MX sub.example.test"
    assert ssh("mx1", ask) == "carol\n"
    assert "mx1.example.test." in ssh("internet", mx)
    stack_text.write_text(plain)
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ssh("mx1", ask) == "none\n"
    assert "mx1.example.test." not in ssh(
        "internet", "kdig @198.18.77.53 +short MX sub.example.test"
    )
