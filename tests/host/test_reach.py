"""How hosts are reached: wrong key, unreachable, a login with sudo; each host for itself."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Ssh
from .test_stack import set_postfix, stack_file, stack_text

__all__ = ["stack_file", "stack_text"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
WRONG = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ1z5zvW0mCkqxqQ5xqJmL5m0p5m0p5m0p5m0p5m0p5"
SIZE = "      messageSizeLimitBytes: 10485760"


def in_host(text: str, host: str, line: str) -> str:
    """The stack file with one more line under a host."""
    changed = re.sub(rf"(\n      {host}:\n)", rf"\g<1>        {line}\n", text)
    assert changed != text
    return changed


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"hostKey: {WRONG}", "host key mismatch"),
        ("sshAddress: 198.18.77.99", "failed attempts: dial tcp 198.18.77.99:22"),
    ],
    ids=["wrong_host_key", "unreachable"],
)
def test_one_host_out_of_reach_does_not_stop_the_other(
    pulumi: Pulumi, ssh: Ssh, stack_text: Path, line: str, words: str
) -> None:
    set_postfix(stack_text, SIZE)
    stack_text.write_text(in_host(stack_text.read_text(), "mx2", line))
    done = pulumi("up", "--yes", "--skip-preview")
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert words in output
    assert "mx2-" in output
    assert "Traceback" not in output
    assert " deleted" not in output
    assert ssh("mx1", "postconf -h message_size_limit") == "10485760\n"
    assert ssh("mx2", "postconf -h message_size_limit") == "26214400\n"


def test_login_that_is_not_root_works_through_sudo(
    pulumi: Pulumi, ssh: Ssh, stack_file: Path
) -> None:
    set_postfix(stack_file, SIZE)
    stack_file.write_text(
        stack_file.read_text().replace("    ssh:\n", "    ssh:\n      user: operator\n")
    )
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ssh("mx1", "postconf -h message_size_limit") == "10485760\n"
