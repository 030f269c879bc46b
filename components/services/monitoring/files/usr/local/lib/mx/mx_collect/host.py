"""The host itself: room on the disks that mail needs, and the firewall's table."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from .metrics import Metrics

PATHS = ("/", "/var/spool/postfix", "/var/lib", "/var/log")
CONFIRMED = Path("/var/lib/mx-firewall/confirmed.nft")


def collect(metrics: Metrics) -> None:
    """Ask the kernel. Raises OSError when a path cannot be looked at."""
    for path in PATHS:
        if Path(path).is_dir():
            found = os.statvfs(path)
            free = found.f_bavail / found.f_blocks if found.f_blocks else 0.0
            metrics.add("mx_disk_free_ratio", "Free part of a file system.", free, path=path)
            nodes = found.f_favail / found.f_files if found.f_files else 1.0
            metrics.add("mx_disk_inodes_free_ratio", "Free part of its inodes.", nodes, path=path)
    if CONFIRMED.exists():
        listed = subprocess.run(
            ["nft", "list", "table", "inet", "mx"], capture_output=True, check=False, timeout=30
        )
        there = listed.returncode == 0
        metrics.add("mx_firewall_loaded", "The table inet mx is there.", there)
