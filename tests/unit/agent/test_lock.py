"""The agent's lock: who waits for it, and who goes before others."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.agent_host import Staged


def _waiting(pid: int) -> bool:
    """Whether a process waits for a lock, as proc_locks(5) tells."""
    lines = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and f" {pid} " in line for line in lines)


def _child(work: Callable[[], None]) -> int:
    """Fork a process that works; return when it waits for a lock."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    for _ in range(1000):
        if _waiting(pid):
            return pid
        time.sleep(0.01)
    raise AssertionError("nothing waits for a lock")


def test_a_bundle_that_waits_for_the_authority_goes_before_those_that_asked_earlier(
    agent: Staged, tmp_path: Path
) -> None:
    order = tmp_path / "order"

    def take(name: str, first: bool) -> Callable[[], None]:
        def work() -> None:
            with agent.lock(first), order.open("a") as file:
                file.write(name)

        return work

    agent.lock_wait = 20
    with agent.lock():
        pass
    with (agent.state / "lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        children = [
            _child(take("a", False)),
            _child(take("b", False)),
            _child(take("x", True)),
            _child(take("y", True)),
        ]
        # The children have this file, too: closing it here would not be enough.
        fcntl.flock(held, fcntl.LOCK_UN)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0, 0]
    taken = order.read_text()
    assert (set(taken[:2]), set(taken[2:])) == ({"x", "y"}, {"a", "b"})
