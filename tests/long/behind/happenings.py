"""What happens in each case; where a function yields, an `up` with later settings comes between."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Generator

from lab.system import LabError, wait_for
from lab.topology import CHECKOUT, MX1, MX2

from . import accidents, disk
from .stack import FILE, UP, Stack, ssh


def snapshot(stack: Stack) -> Generator[None]:
    """The disk of mx2 is put back to before an `up`."""
    copy = stack.folder / "mx2"
    disk.copied(MX2, copy)
    yield
    disk.put_back(MX2, copy)


def clone(stack: Stack) -> Generator[None]:
    """mx2 runs from a copy of the disk of mx1, which runs too; at the end it has its own again."""
    own, copy = stack.folder / "mx2-own", stack.folder / "mx1-copy"
    disk.copied(MX2, own)
    disk.copied(MX1, copy)
    yield
    disk.cloned(MX1, copy, MX2)
    try:
        yield
    finally:
        disk.put_back(MX2, own)


def record_of_before(stack: Stack) -> Generator[None]:
    """A backup of the agent's folder is put back, and of nothing else."""
    ssh("mx2", "cp -a /var/lib/mx-agent /var/tmp/of-before")
    yield
    ssh("mx2", "rm -r /var/lib/mx-agent && mv /var/tmp/of-before /var/lib/mx-agent")


def files_of_before(stack: Stack) -> Generator[None]:
    """A backup of /etc is put back, and of nothing else."""
    ssh("mx1", "cp -a /etc/postfix /var/tmp/of-before")
    yield
    ssh("mx1", "rm -r /etc/postfix && mv /var/tmp/of-before /etc/postfix; systemctl reload postfix")


def rows_of_before(stack: Stack) -> Generator[None]:
    """A dump of the database is put back."""
    ssh("mx1", "mariadb-dump --databases mail >/var/tmp/dump")
    yield
    ssh("mx1", "mariadb </var/tmp/dump && rm /var/tmp/dump")


def state_of_before(stack: Stack) -> Generator[None]:
    """The state comes from a backup, and so does the stack file."""
    backup = stack.export("of-before")
    yield
    stack.restore(backup, stack.plain)


def second_operator(stack: Stack) -> Generator[None]:
    """Two operators, each with a state and a stack file; the first one looks after the second."""
    mine = stack.export("mine")
    yield
    theirs = stack.export("theirs")
    stack.restore(mine, stack.plain)
    stack.up()
    stack.restore(theirs, stack.later)


def rolled_back(stack: Stack) -> Generator[None]:
    """Somebody called the agent's rollback."""
    yield
    ssh("mx1", "mx-agent rollback postfix && mx-agent rollback mail-database")


def cut_off(stack: Stack) -> None:
    """`up` is killed once mx1 has the change, and the former stack file comes back."""
    FILE.write_text(stack.later)
    engine = subprocess.Popen(
        stack.command(*UP),
        cwd=CHECKOUT,
        env=stack.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while "11000000" not in ssh("mx1", "postconf -h message_size_limit || true"):
            if engine.poll() is not None:
                raise LabError(f"up ended with {engine.returncode} before mx1 had the change")
            time.sleep(0.05)
    finally:
        if engine.poll() is None:
            os.killpg(engine.pid, signal.SIGKILL)
        engine.wait()
    wait_for("the agents, which go on without the engine", _agents_ended, 180, step=1)
    stack.pulumi("cancel", "--yes")
    FILE.write_text(stack.plain)


def _agents_ended() -> bool:
    at_work = "pgrep -f '[m]x-agent apply' || true"
    return all(ssh(host, at_work) == "" for host in ("mx1", "mx2"))


def removed_after_a_heal(stack: Stack) -> None:
    """A bundle is removed whose call has the number that a new call of it once had."""
    accidents.healed_once(ssh, "mx1", "tls-reports")
    stack.up()
    accidents.removed(ssh, "mx1")


def everything_lost(stack: Stack) -> Generator[None]:
    """The agent and its folder are not on the host, which was put together by hand."""
    yield
    ssh("mx2", "rm -r /var/lib/mx-agent /usr/local/sbin/mx-agent")


def clock_set_back(stack: Stack) -> None:
    """A former manifest is applied by a clock that is 400 days behind."""
    ssh("mx2", "DEBIAN_FRONTEND=noninteractive apt-get -qq -y install faketime >/dev/null")
    accidents.small_limit_by_a_clock_set_back(ssh, "mx2")
