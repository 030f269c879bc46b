"""With a canary a bad change ends there: the other host is not touched and goes on taking mail."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.send import Message, inject
from lab.system import LabError

from .conftest import ROOT, Ssh
from .test_broken import DIGEST, serves
from .test_stack import set_postfix, stack_file, stack_text

__all__ = ["stack_file", "stack_text"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
# A value that no type rules out and at which smtpd(8) dies.
BAD = "      extra: {tls_random_source: 'dev:/no/such/device'}\n    rollout: {canary: mx1}"
GOOD = "      messageSizeLimitBytes: 10485760\n    rollout: {canary: mx1}"
# The files of Postfix, and everything that the agent writes down when it applies something.
TOUCHED = (
    "find /etc/postfix -type f | sort | xargs sha256sum; "
    "find /var/lib/mx-agent -type f -printf '%p %T@ %s\\n' | sort; pgrep -x -o master"
)
LOGINS = "journalctl -q -t sshd -t sshd-session -g 'Accepted publickey' | wc -l"


@contextmanager
def mail_all_the_time(host: str) -> Iterator[list[str]]:
    """A message from the Internet after the other while it lasts; yields the answer to each."""
    answers: list[str] = []
    over = threading.Event()

    def send() -> None:
        while not over.is_set():
            try:
                inject(Message("alice@sender.test", "alice@example.test"), host)
                answers.append("taken")
            except LabError as error:
                answers.append(str(error))
            over.wait(0.2)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()


def test_a_bad_change_never_reaches_the_second_host(
    pulumi: Pulumi, ssh: Ssh, stack_text: Path
) -> None:
    set_postfix(stack_text, BAD)
    canary = ssh("mx1", DIGEST)
    before, logins = ssh("mx2", TOUCHED), int(ssh("mx2", LOGINS))
    with mail_all_the_time("mx2") as answers:
        done = pulumi("up", "--yes", "--skip-preview")
    output = done.stdout + done.stderr
    assert done.returncode != 0, output
    assert "probe 127.0.0.1:25" in output
    assert " deleted" not in output
    assert "Traceback" not in output
    assert ssh("mx1", DIGEST) == canary
    serves()
    assert ssh("mx2", TOUCHED) == before
    # The read of drift before the change; none to apply anything.
    assert int(ssh("mx2", LOGINS)) - logins == 1
    assert answers
    assert set(answers) == {"taken"}
    sent = subprocess.run(
        ["scripts/lab", "send", "alice@sender.test", "bob@example.test", "--via", "mx2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert sent.returncode == 0, sent.stdout + sent.stderr


def test_a_good_change_reaches_both(pulumi: Pulumi, ssh: Ssh, stack_file: Path) -> None:
    set_postfix(stack_file, GOOD)
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    for host in ("mx1", "mx2"):
        assert ssh(host, "postconf -h message_size_limit") == "10485760\n"
