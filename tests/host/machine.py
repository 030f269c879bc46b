"""A host of the lab switched off as by a power cut, and on again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from lab import container, process
from lab.topology import Host

from .conftest import ROOT, eventually


def switch_off(host: Host) -> None:
    """Kill the container's init, and all else in it with that."""
    leader = container.leader(host)
    assert leader is not None
    os.kill(leader, signal.SIGKILL)
    process.finish(host.name)


def switch_on(host: Host) -> None:
    """Boot it and wait for its SSH."""
    # By a process of its own: the container outlives these tests.
    program = (
        "import sys; from lab import container, topology; host = topology.host(sys.argv[1]); "
        "container.boot(host); container.wait(host)"
    )
    subprocess.run([sys.executable, "-c", program, host.name], cwd=ROOT, check=True)


@contextmanager
def switched_off(host: Host) -> Iterator[None]:
    """It is off while this lasts; afterwards it takes mail again."""
    switch_off(host)
    try:
        yield
    finally:
        switch_on(host)
        eventually(lambda: container.listens(host, 25), 60)
