"""Restarts take turns: one MX host after the other, and none waits for a dead one.

The sender is that of scripts/chaos: it offers each message to both hosts, then again after seconds.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.topology import INTERNET, MX1, STATE
from tests.long.chaos.run import SERVERS, TARGETS
from tests.long.chaos.sender import Message, Sender

from .conftest import Ssh
from .machine import switched_off
from .test_broken import DIGEST
from .test_stack import stack_file

__all__ = ["stack_file"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
ANCHOR = "/var/lib/mx-lab/dns/root.key"
MEMORY = "    spamFilter: {redisMemoryMebibytes: 128}\n    domains:\n"
LISTENING = (
    ("mx1", "127.0.0.1, 2001:db8:77::11, 198.18.77.11"),
    ("mx2", "127.0.0.1, 2001:db8:77::12, 198.18.77.12"),
)


@contextmanager
def stream(name: str, folder: Path) -> Iterator[list[Message]]:
    """Four messages a second while this lasts; afterwards each has its final reply."""
    netns = Path("/run/netns", INTERNET.netns)
    sender = Sender(name, SERVERS, TARGETS[:1], netns, folder / "attempts.jsonl")
    over = threading.Event()

    def send() -> None:
        while not over.wait(0.25):
            sender.send()

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield sender.messages
    finally:
        over.set()
        thread.join()
        replied = sender.finish(120)
    assert replied


def refused_by_both(messages: list[Message]) -> list[int]:
    """Serials that neither host took at first: their senders had to come again."""
    first = {each.serial: [attempt.outcome for attempt in each.tries[:2]] for each in messages}
    return [serial for serial, outcomes in first.items() if "accepted" not in outcomes]


def refusing(messages: list[Message]) -> set[str]:
    """Hosts that did not take a message."""
    tries = [attempt for each in messages for attempt in each.tries]
    return {attempt.server for attempt in tries if attempt.outcome != "accepted"}


def test_wrong_trust_anchor_never_takes_both_hosts_away(
    pulumi: Pulumi, ssh: Ssh, stack_file: Path, tmp_path: Path
) -> None:
    text = (STATE / "dns/root.key").read_text().strip()
    wrong = STATE / "dns/wrong.key"
    wrong.write_text(f"{text[:-8]}{text[-8:][::-1]}\n")
    try:
        before = {host: ssh(host, DIGEST) for host in ("mx1", "mx2")}
        stack_file.write_text(stack_file.read_text().replace(ANCHOR, str(wrong)))
        with stream("anchor", tmp_path) as messages:
            done = pulumi("up", "--yes", "--skip-preview")
    finally:
        wrong.unlink()
    output = done.stdout + done.stderr
    assert done.returncode != 0, output
    assert "mx1-resolver" in output
    assert "mx2-resolver" in output
    assert {host: ssh(host, DIGEST) for host in ("mx1", "mx2")} == before
    # Each did not take mail for a while, and the other one did.
    assert refusing(messages) == {"mx1", "mx2"}
    assert refused_by_both(messages) == []


def test_restarts_of_postfix_and_redis_never_take_both_hosts_away(
    pulumi: Pulumi, stack_file: Path, tmp_path: Path
) -> None:
    text = stack_file.read_text().replace("    domains:\n", MEMORY, 1)
    for host, addresses in LISTENING:
        name = f"        hostname: {host}.example.test\n"
        assert name in text
        text = text.replace(name, f"{name}        inetInterfaces: [{addresses}]\n")
    stack_file.write_text(text)
    with stream("restarts", tmp_path) as messages:
        done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert refused_by_both(messages) == []


def test_host_that_is_off_holds_nobody_back(pulumi: Pulumi, ssh: Ssh, stack_file: Path) -> None:
    stack_file.write_text(stack_file.read_text().replace("    domains:\n", MEMORY, 1))
    with switched_off(MX1):
        done = pulumi("up", "--yes", "--skip-preview")
    output = done.stdout + done.stderr
    assert done.returncode != 0, output
    assert "mx1" in output
    assert "\nmaxmemory 128mb\n" in ssh("mx2", "cat /etc/mx/redis.conf")
