"""What the packages of this host wait for: security updates, restarts, a reboot.

usage: mx_updates.py [PACKAGE ...]

An update of a PACKAGE counts as a security update, whatever repository has it.
Looks only: simulates an upgrade with the lists that apt-daily.timer fetched, and reads what running
programs have mapped (proc_pid_maps(5)). Writes one line of JSON, readable by all, to STATE:
`security` are names of packages, `restart` names of units whose programs run files that an update
has replaced, `since` tells for each kind since when something waits; times are seconds since 1970.
Exit codes: 0 written, 1 apt-get failed (the former line stays, and the alert goes by its age).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

STATE = Path("/var/lib/mx-updates/state.json")
LISTS = (Path("/var/lib/apt/periodic/update-stamp"), Path("/var/lib/apt/lists"))
SIMULATE = (
    *("apt-get", "--simulate", "-o", "Debug::NoLocking=true"),
    *("-o", "APT::Get::Show-User-Simulation-Note=false", "dist-upgrade"),
)
_INST = re.compile(r"^Inst (\S+) (?:\[\S+\] )?\(\S+ ([^\[\)]*)", re.MULTILINE)
_PROGRAMS = ("/usr/", "/lib", "/bin/", "/sbin/", "/opt/")
_DELETED = " (deleted)"


def pending(printed: str, counted: Collection[str] = ()) -> tuple[list[str], int]:
    """Names of the packages with a security update, and how many others have an update."""
    found = _INST.findall(printed)
    security = sorted(
        {name for name, origin in found if "-security" in origin.lower() or name in counted}
    )
    return security, len({name for name, _ in found}) - len(security)


def replaced(maps: str) -> bool:
    """Tell whether a process runs code of a file that is not there any more."""
    for line in maps.split("\n"):
        # address, permissions, offset, device, inode, path
        parts = line.split(None, 5)
        if len(parts) < 6 or "x" not in parts[1]:
            continue
        if parts[5].endswith(_DELETED) and parts[5].startswith(_PROGRAMS):
            return True
    return False


def unit(cgroup: str) -> str | None:
    """The unit of a process; None for what a login started (cgroup(7))."""
    name = cgroup.strip().rpartition("/")[2]
    if name == "init.scope" or name.endswith(".service"):
        return name
    return None


def _processes(root: Path) -> Iterator[tuple[str, str]]:
    """Maps and cgroup of each process that has not ended meanwhile."""
    for each in root.iterdir():
        if each.name.isdigit():
            try:
                yield (each / "maps").read_text(), (each / "cgroup").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue


def restarts(root: Path = Path("/proc")) -> list[str]:
    """Units with a process that runs replaced code."""
    found = {unit(cgroup) for maps, cgroup in _processes(root) if replaced(maps)}
    return sorted(name for name in found if name is not None)


def newer(kernels: list[str], running: str) -> bool:
    """Tell whether a kernel is installed that is newer than the running one."""

    def key(version: str) -> list[tuple[int, int, str]]:
        parts = re.findall(r"(\d+)|([^\d]+)", version)
        return [(1, int(number), "") if number else (0, 0, word) for number, word in parts]

    return any(key(each) > key(running) for each in kernels)


def reboot() -> bool:
    """Tell whether the host runs an older kernel than it has."""
    kernels = [each.name.removeprefix("vmlinuz-") for each in Path("/boot").glob("vmlinuz-*")]
    return Path("/run/reboot-required").exists() or newer(kernels, os.uname().release)


def since(former: dict[str, Any], kinds: dict[str, bool], now: int) -> dict[str, int]:
    """Since when each kind waits: the former time while it still does."""
    before = former.get("since", {})
    return {kind: int(before.get(kind, now)) for kind, waits in kinds.items() if waits}


def _write(text: str) -> None:
    fd, fresh = tempfile.mkstemp(dir=STATE.parent, prefix=".")
    with os.fdopen(fd, "w") as stream:
        stream.write(text)
        os.fchmod(fd, 0o644)
    os.replace(fresh, STATE)


def main() -> int:
    """Look, and write the line."""
    done = subprocess.run(
        SIMULATE, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    if done.returncode:
        print(f"apt-get failed: {done.stderr.strip()}", file=sys.stderr)
        return 1
    security, others = pending(done.stdout, sys.argv[1:])
    found: dict[str, Any] = {
        "security": security,
        "others": others,
        "restart": restarts(),
        "reboot": reboot(),
    }
    now = int(time.time())
    former = json.loads(STATE.read_text()) if STATE.exists() else {}
    kinds = {kind: bool(found[kind]) for kind in ("security", "restart", "reboot")}
    found["since"] = since(former, kinds, now)
    found["lists"] = int(max((each.stat().st_mtime for each in LISTS if each.exists()), default=0))
    found["time"] = now
    _write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
