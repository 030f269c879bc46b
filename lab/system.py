"""Running programs, waiting with a deadline, and the lab's one kind of error."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab import topology


class LabError(Exception):
    """Something the person who runs the lab has to know, in one line."""


def say(message: str) -> None:
    """Print a progress line."""
    print(f"lab: {message}", file=sys.stderr, flush=True)


def run(
    command: Sequence[str | Path],
    *,
    stdin: str | None = None,
    check: bool = True,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a program and return what it printed; its own words are the error's."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        input=stdin if stdin is not None else "",
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={**os.environ, **env} if env else None,
    )
    if check and done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-4:]
        raise LabError(f"{' '.join(words[:6])}: exit {done.returncode}: {' | '.join(last)}")
    return done.stdout


def wait_for(what: str, ready: Callable[[], bool], seconds: float, step: float = 0.1) -> None:
    """Poll until `ready` is true, or raise an error that names what never came."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(step)


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file with its mode, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    path.chmod(mode)


@contextmanager
def locked() -> Iterator[None]:
    """Hold the lock that keeps two runs of the lab apart."""
    topology.LOCK.parent.mkdir(parents=True, exist_ok=True)
    with topology.LOCK.open("w") as stream:

        def free() -> bool:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        if not free():
            say("another run of the lab is under way: waiting for its end")
            wait_for("the end of another run of the lab", free, 900, step=1)
        yield


def mounted(path: Path) -> bool:
    """Tell whether something is mounted at exactly this path."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    return any(line.split()[1] == str(path) for line in mounts)
