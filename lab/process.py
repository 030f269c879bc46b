"""Processes of the lab: started in a control group of their own, ended by their own ids."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.system import LabError, wait_for
from lab.topology import STATE

_HIERARCHIES = (Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/unified"))
_ENTER = 'for f in $LAB_CGROUPS; do echo $$ > "$f/cgroup.procs"; done; exec "$@"'


def _cgroups(name: str = "") -> list[Path]:
    """Return the lab's control group of this name in each hierarchy of systemd."""
    roots = [path for path in _HIERARCHIES if path.is_dir()] or [Path("/sys/fs/cgroup")]
    return [root / "mx-lab" / name for root in roots]


def prepare_cgroups() -> None:
    """Make sure that systemd's control-group hierarchy is there."""
    if not Path("/sys/fs/cgroup/cgroup.controllers").exists():
        _HIERARCHIES[0].mkdir(parents=True, exist_ok=True)


def pids(name: str) -> list[int]:
    """Return the ids of all processes in the control group `name`, children included."""
    found: set[int] = set()
    for group in _cgroups(name):
        for folder, _, _ in os.walk(group):  # os.walk passes over groups that go away
            try:
                words = Path(folder, "cgroup.procs").read_text().split()
                found.update(int(word) for word in words)
            except OSError:  # the group went away while it was read
                continue
    return sorted(found - {0})


def start(name: str, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
    """Start a program in the background; its output goes to the log of that name."""
    if pids(name):
        raise LabError(f"{name} runs already")
    groups = _cgroups(name)
    for group in groups:
        group.mkdir(parents=True, exist_ok=True)
    log = STATE / "log" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        child = subprocess.Popen(
            ["/bin/sh", "-c", _ENTER, "sh", *command],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            cwd="/",
            env={**os.environ, **(env or {}), "LAB_CGROUPS": " ".join(map(str, groups))},
        )
    pid_file = STATE / "run" / f"{name}.pid"
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    pid_file.write_text(f"{child.pid}\n")


def main_pid(name: str) -> int | None:
    """Return the id of the program started as `name`, while it runs."""
    try:
        pid = int((STATE / "run" / f"{name}.pid").read_text())
    except (OSError, ValueError):
        return None
    return pid if pid in pids(name) else None


def _signal(pid: int, number: signal.Signals) -> None:
    """Send a signal; a process that is gone already is no error."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _gone(name: str) -> bool:
    """Tell whether the control group is empty, reaping our own children on the way."""
    pid = main_pid(name)
    if pid is not None:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return not pids(name)


def terminate(name: str) -> None:
    """Ask the program to end; a container shuts down in order."""
    pid = main_pid(name)
    if pid is not None:
        _signal(pid, signal.SIGTERM)


def finish(name: str, seconds: float = 25) -> None:
    """Wait for the end of a program, kill what is left of it and remove its group."""
    try:
        if main_pid(name) is not None:
            wait_for(f"the end of {name}", lambda: _gone(name), seconds)
    except LabError:
        pass
    for pid in pids(name):
        _signal(pid, signal.SIGKILL)
    wait_for(f"the end of {name} after SIGKILL", lambda: _gone(name), 10)
    (STATE / "run" / f"{name}.pid").unlink(missing_ok=True)
    for group in _cgroups(name):
        _remove(group)


def _remove(group: Path) -> None:
    """Remove a control group and the empty groups in it."""
    if not group.is_dir():
        return
    for child in group.iterdir():
        if child.is_dir():
            _remove(child)
    group.rmdir()


def remove_cgroups() -> None:
    """Remove the group that held the lab's groups."""
    for group in _cgroups():
        _remove(group)
