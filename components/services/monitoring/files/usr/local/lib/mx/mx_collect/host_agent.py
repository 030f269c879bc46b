"""What the agent applied on this host, what differs from it, and what failed."""

from __future__ import annotations

import calendar
import json
import subprocess
import time
from typing import Any

from .metrics import Metrics


def collect(metrics: Metrics) -> None:
    """Ask the agent. Raises subprocess.CalledProcessError when it cannot say."""
    command = ["/usr/local/sbin/mx-agent", "status"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    measure(metrics, json.loads(done.stdout))


def measure(metrics: Metrics, status: dict[str, Any]) -> None:
    """Turn the agent's status into numbers."""
    metrics.add(
        "mx_agent_unfinished", "A change was cut off and not undone yet.", status["unfinished"]
    )
    for name, bundle in status["bundles"].items():
        applied = calendar.timegm(time.strptime(bundle["applied"], "%Y-%m-%dT%H:%M:%SZ"))
        metrics.add(
            "mx_agent_applied_timestamp_seconds", "When it was applied.", applied, bundle=name
        )
        drift = len(bundle["drift"])
        metrics.add("mx_agent_drift", "What differs from what was applied.", drift, bundle=name)
        metrics.add("mx_agent_failed", "The last change failed and was undone.", 0, bundle=name)
    for name in status.get("failed", {}):
        metrics.add("mx_agent_failed", "The last change failed and was undone.", 1, bundle=name)
