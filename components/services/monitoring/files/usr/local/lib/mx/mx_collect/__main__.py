"""Collects what no exporter of the distribution exports, into one file for node_exporter.

Runs as root from mx-collect.timer: the queue, the agent's state and keys are root's. What it
writes is world-readable and has no address, no subject and no key in it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dns.exception

from . import (
    certificates,
    dkim,
    host,
    host_agent,
    mail_log,
    mail_queue,
    published,
    services,
    updates,
)
from .metrics import Metrics

CONFIG = Path("/etc/mx/collect.json")
# What a part may fail with; anything else is a fault of this program and ends it.
_FAILURES = (OSError, ValueError, KeyError, subprocess.SubprocessError, dns.exception.DNSException)


def main() -> int:
    """Run every part; one that fails says so in `mx_collector_success` and in the journal."""
    config = json.loads(CONFIG.read_text())
    metrics = Metrics()
    parts: dict[str, Callable[[], None]] = {
        "host": lambda: host.collect(metrics),
        "queue": lambda: mail_queue.collect(metrics),
        "log": lambda: mail_log.collect(metrics),
        "agent": lambda: host_agent.collect(metrics),
        "services": lambda: services.collect(metrics),
        "certificates": lambda: certificates.collect(metrics),
        "dkim": lambda: dkim.collect(metrics, config),
        "updates": lambda: updates.collect(metrics),
        "published": lambda: published.collect(metrics, config),
    }
    for name, part in parts.items():
        try:
            part()
            success = 1
        except _FAILURES as error:
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
            success = 0
        metrics.add("mx_collector_success", "The part could measure.", success, part=name)
    metrics.add("mx_collector_last_run_timestamp_seconds", "When the collector ran.", time.time())
    metrics.write(Path(config["textfile"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
