"""What the host's packages wait for, as mx-updates.service has seen it (mx_updates.py)."""

from __future__ import annotations

import json
from pathlib import Path

from .metrics import Metrics

STATE = Path("/var/lib/mx-updates/state.json")


def collect(metrics: Metrics) -> None:
    """Read the last look. Raises OSError, ValueError or KeyError when there is none."""
    found = json.loads(STATE.read_text())
    for kind, count in (
        ("security", len(found["security"])),
        ("others", found["others"]),
    ):
        metrics.add("mx_updates_pending", "Packages with an update, by kind.", count, kind=kind)
    restart = len(found["restart"])
    metrics.add("mx_updates_restarts_pending", "Units that run replaced files.", restart)
    metrics.add("mx_updates_reboot_pending", "A newer kernel waits.", bool(found["reboot"]))
    for kind, begin in found["since"].items():
        metrics.add(
            "mx_updates_waiting_since_timestamp_seconds", "Since when it waits.", begin, kind=kind
        )
    for what in ("lists", "time"):
        metrics.add(
            "mx_updates_known_timestamp_seconds",
            "When apt's lists were fetched, and when the host was looked at.",
            found[what],
            kind=what,
        )
