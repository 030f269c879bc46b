"""Whether the services of the mail system answer, and the few numbers that tell why they are slow.

Each is asked with its own tool, as root on its own socket: no account, no open port, no exporter.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from .metrics import Metrics

PATIENCE_SECONDS = 10

# Name, meaning, value, labels.
Sample = tuple[str, str, float, dict[str, str]]


@dataclass(frozen=True)
class Service:
    """A unit, the question that it must answer, and the numbers in its answer."""

    unit: str
    command: tuple[str, ...]
    read: Callable[[str], Iterable[Sample]]
    needs: str = ""
    """A file without which nothing answers: the tool may be there for something else."""


def pairs(
    separator: str | None, wanted: dict[str, tuple[str, str]]
) -> Callable[[str], list[Sample]]:
    """Reads lines of a name and a number; `wanted`: name to metric and meaning."""

    def read(text: str) -> list[Sample]:
        found: list[Sample] = []
        for line in text.split("\n"):
            name, *rest = line.split(separator, 1) or [""]
            if name in wanted:
                metric, meaning = wanted[name]
                found.append((metric, meaning, float(rest[0]), {}))
        return found

    return read


def rspamd(text: str) -> list[Sample]:
    """Reads rspamc's JSON."""
    found = json.loads(text)
    scanned: Sample = ("mx_rspamd_scanned_total", "Messages scanned.", found["scanned"], {})
    meaning = "Messages, by what was to be done with them."
    return [
        scanned,
        *(
            ("mx_rspamd_action_total", meaning, count, {"action": action})
            for action, count in found["actions"].items()
        ),
    ]


def nginx(text: str) -> list[Sample]:
    """Reads the page of ngx_http_stub_status_module."""
    numbers = [int(each) for each in re.findall("[0-9]+", text)]
    if len(numbers) != 7:
        raise ValueError(f"nginx: not its status: {text[:80]!r}")
    active, accepted, handled, requests = numbers[:4]
    return [
        ("mx_nginx_connections", "Connections that are open.", active, {}),
        ("mx_nginx_requests_total", "Requests, the collector's own too.", requests, {}),
        ("mx_nginx_dropped_total", "Connections beyond its limits.", accepted - handled, {}),
    ]


UNBOUND = pairs(
    "=",
    {
        "total.num.queries": ("mx_unbound_queries_total", "Questions to the resolver."),
        "total.num.cachehits": ("mx_unbound_cache_hits_total", "Answered from the cache."),
        "total.recursion.time.avg": (
            "mx_unbound_recursion_average_seconds",
            "Mean time of the questions that were not in the cache.",
        ),
    },
)
MARIADB = pairs(
    None,
    {
        "Questions": ("mx_mariadb_questions_total", "Statements to the database."),
        "Slow_queries": ("mx_mariadb_slow_queries_total", "Statements that took too long."),
        "Threads_connected": ("mx_mariadb_connections", "Connections that are open."),
        "Aborted_connects": ("mx_mariadb_aborted_connects_total", "Connections that failed."),
    },
)
REDIS = pairs(
    ":",
    {
        "used_memory": ("mx_redis_memory_bytes", "Memory that Redis uses."),
        "maxmemory": ("mx_redis_memory_limit_bytes", "What it may use."),
        "evicted_keys": ("mx_redis_evicted_keys_total", "Keys that made room for others."),
    },
)
SERVICES = (
    Service("unbound.service", ("unbound-control", "stats_noreset"), UNBOUND),
    Service(
        "mariadb.service",
        ("mariadb", "--batch", "--skip-column-names", "--execute=SHOW GLOBAL STATUS"),
        MARIADB,
    ),
    Service(
        "redis-server.service",
        ("redis-cli", "-e", "-s", "/run/redis/redis-server.sock", "INFO"),
        REDIS,
    ),
    Service(
        "rspamd.service", ("rspamc", "--json", "-h", "/run/rspamd/controller.sock", "stat"), rspamd
    ),
    Service(
        "nginx.service",
        ("curl", "--silent", "--fail", "http://127.0.0.1:8480/status"),
        nginx,
        needs="/etc/nginx/sites-enabled/mx-status",
    ),
)


def collect(metrics: Metrics) -> None:
    """Ask those whose tool is installed. Raises ValueError when an answer is none of theirs."""
    for service in SERVICES:
        if shutil.which(service.command[0]) is None:
            continue
        if service.needs and not Path(service.needs).exists():
            continue
        try:
            done = subprocess.run(
                service.command,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
                timeout=PATIENCE_SECONDS,
            )
        except subprocess.TimeoutExpired:
            measure(metrics, service, None)
        else:
            measure(metrics, service, done.stdout if done.returncode == 0 else None)


def measure(metrics: Metrics, service: Service, answer: str | None) -> None:
    """Turn an answer into numbers; None is no answer."""
    metrics.add(
        "mx_service_answers",
        "The service answers on its own socket.",
        answer is not None,
        name=service.unit,
    )
    if answer is not None:
        for name, meaning, value, labels in service.read(answer):
            metrics.add(name, meaning, value, **labels)
