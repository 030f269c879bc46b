"""What this machine needs before the lab can start, each with its cure."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from lab import cache
from lab.system import LabError, run
from lab.topology import STATE

_PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "mount": "mount",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "openssl": "openssl",
    "apt-cacher-ng": "apt-cacher-ng",
}
_NEEDED_BYTES = 4 * 1024**3
# systemd of each host and path units inside: a lab of four hosts uses 30 to 40 (inotify(7)).
_NEEDED_INSTANCES = 45
_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")


def missing() -> list[str]:
    """Return one line for everything that is missing."""
    lines = []
    if os.geteuid() != 0:
        lines.append("not root: run the lab with sudo")
    search = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    for program, package in _PROGRAMS.items():
        if not shutil.which(program, path=search):
            lines.append(f"{program} is missing: apt-get install {package}")
    if not lines and not _has_overlay():
        lines.append("overlayfs is missing: modprobe overlay, or a kernel with it (linux-image)")
    for place in {_existing(STATE), _existing(cache.directory())}:
        free = shutil.disk_usage(place).free
        if free < _NEEDED_BYTES:
            lines.append(f"{place}: {free // 1024**2} MiB free, the lab needs 4096: free some disk")
    limit, used = int(_INSTANCES.read_text()), _inotify_instances()
    if limit - used < _NEEDED_INSTANCES:
        lines.append(
            f"inotify: {used} of {limit} instances are used, {_NEEDED_INSTANCES} more are needed: "
            f"sysctl fs.inotify.max_user_instances={2 * limit}"
        )
    return lines


def _inotify_instances() -> int:
    """Count the inotify instances of root that are open, from the links in /proc (proc(5))."""
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        # A process may end, or close a file, while its folder is read.
        with contextlib.suppress(OSError), os.scandir(process / "fd") as links:
            for link in links:
                with contextlib.suppress(OSError):
                    count += os.readlink(link) == "anon_inode:inotify"
    return count


def require() -> None:
    """Raise an error that names everything that is missing."""
    if lines := missing():
        raise LabError("\n  ".join(["this machine cannot run the lab:", *lines]))


def _has_overlay() -> bool:
    """Tell whether the kernel has overlayfs, loading the module when it can."""
    filesystems = Path("/proc/filesystems")
    if "overlay" not in filesystems.read_text() and shutil.which("modprobe"):
        run(["modprobe", "overlay"], check=False)
    return "overlay" in filesystems.read_text()


def _existing(path: Path) -> Path:
    """Return the nearest folder above that exists."""
    while not path.exists():
        path = path.parent
    return path
