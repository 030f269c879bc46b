"""A change that Postfix's own checks take and that stops mail is undone; a queue is not taken away.

The values that the settings refuse by their type are in tests/unit/settings/test_harm.py (DEADLY).
These are three others; tests/long/live/test_dead_values.py has more, for each daemon.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ROOT, Ssh, eventually
from .test_broken import DIGEST, serves
from .test_canary import TOUCHED
from .test_stack import set_postfix, stack_text

__all__ = ["stack_text"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
DEAD = {
    "smtpd_without_its_table": (
        "smtpd_sender_restrictions",
        "check_sender_access lmdb:/etc/postfix/tables/none",
    ),
    "cleanup_without_its_table_type": ("header_checks", "pcre:/etc/postfix/tables/none"),
    "smtp_without_its_table_type": ("smtp_header_checks", "pcre:/etc/postfix/tables/none"),
}
GREETING = "timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/25 && head -n 1 <&3' || true"
PROGRAM = "python3 -I -B /usr/local/lib/mx/mx_postfix.py"
# smtpd(8) waits for the client, and master(8) for smtpd(8) when a reload takes the service away.
HOLD = (
    "nohup bash -c 'exec 3<>/dev/tcp/127.0.0.1/25; sleep 100' >/dev/null 2>&1 & "
    "sleep 1; pgrep -o -x master"
)
DRAIN = "python3 -I -B /usr/local/lib/mx/mx_postfix_drain.py"


@pytest.mark.parametrize("case", DEAD)
def test_what_stops_mail_is_undone(pulumi: Pulumi, ssh: Ssh, stack_text: Path, case: str) -> None:
    name, value = DEAD[case]
    canary = "\n    rollout: {canary: mx1}" if case == "cleanup_without_its_table_type" else ""
    before = ssh("mx1", DIGEST), ssh("mx2", TOUCHED)
    set_postfix(stack_text, f"      extra: {{{name}: '{value}'}}{canary}")
    # `mx up` goes on after an error; the second host is not even asked.
    done = pulumi("up", "--yes", "--skip-preview", "--continue-on-error")
    output = done.stdout + done.stderr
    assert done.returncode != 0, output
    assert "/usr/local/lib/mx/mx_postfix" in output
    assert "Traceback" not in output
    assert " deleted" not in output
    assert (ssh("mx1", DIGEST), ssh("mx2", TOUCHED)) == before
    serves()


def test_a_queue_is_not_taken_away(ssh: Ssh) -> None:
    ssh("mailbox1", "systemctl stop postfix")
    try:
        sent = subprocess.run(
            ["scripts/lab", "send", "alice@sender.test", "bob@example.test", "--via", "mx2"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert sent.returncode in (0, 1), sent.stdout + sent.stderr
        eventually(lambda: "1 message is queued" in ssh("mx2", f"{PROGRAM} queue"), 30)
        before = ssh("mx2", DIGEST)
        master = ssh("mx2", HOLD)
        words = ssh("mx2", f"{DRAIN} 10 2>&1 || echo refused")
        assert "1 message is queued" in words
        assert "for example.test: Postfix stays" in words
        assert words.endswith("refused\n")
        assert ssh("mx2", DIGEST) == before
        assert ssh("mx2", "pgrep -o -x master") == master, "a client held up the reload"
        eventually(lambda: "220 " in ssh("mx2", GREETING), 30)
    finally:
        ssh("mailbox1", "systemctl start postfix")
    eventually(lambda: "220 " in ssh("mailbox1", GREETING), 60)
    assert "refused" not in ssh("mx2", f"{DRAIN} 60 2>&1 || echo refused")
    assert ssh("mx2", f"{PROGRAM} queue") == "the queue is empty\n"
    ssh("mx2", "systemctl reload postfix")
