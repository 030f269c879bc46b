"""A dashboard for Grafana: is mail flowing, in one row; below it, what happened and where.

Every panel is a query that the alerts know too. The variables `stack` and `host` choose what it
shows.
"""

from __future__ import annotations

from typing import Any

from components.stack.outputs import Thresholds
from tools.monitoring.alerts_host import SERVICES
from tools.monitoring.promql import narrowed

GREEN, ORANGE, RED = "green", "orange", "red"

# Title, unit, query, legend. Two panels stand in a row.
PANELS = (
    ("Port 25 that answers, by address", "none", 'probe_success{job="mx-smtp"}', "{{instance}}"),
    ("Messages taken a second", "short", "mx:accepted:rate5m", "{{stack}} {{host}}"),
    (
        "Deliveries a second",
        "short",
        "sum by (kind) (rate(mx_postfix_delivery_total[5m]))",
        "{{kind}}",
    ),
    (
        "Refused a second",
        "short",
        "sum by (kind) (rate(mx_postfix_reject_total[5m]))",
        "{{kind}}xx",
    ),
    ("Messages in the queue", "short", "mx_queue_messages", "{{stack}} {{host}} {{queue}}"),
    ("Oldest message", "s", "max by (host) (mx_queue_oldest_seconds)", "{{stack}} {{host}}"),
    (
        "Deferred by destination",
        "short",
        "sum by (destination) (mx_queue_destination_messages)",
        "{{destination}}",
    ),
    (
        "Certificates: time left",
        "s",
        "mx:certificate_left:seconds",
        "{{name}} {{algorithm}} {{source}}",
    ),
    ("Drift", "short", "mx_agent_drift", "{{stack}} {{host}} {{bundle}}"),
    ("Disk: free", "percentunit", "mx_disk_free_ratio", "{{stack}} {{host}} {{path}}"),
    (
        "Spam filter: messages a second",
        "short",
        "sum by (action) (rate(mx_rspamd_action_total[5m]))",
        "{{action}}",
    ),
    ("Redis: memory", "bytes", "mx_redis_memory_bytes", "{{stack}} {{host}}"),
    (
        "Questions to the resolver a second",
        "short",
        "rate(mx_unbound_queries_total[5m])",
        "{{stack}} {{host}}",
    ),
    (
        "Statements to the database a second",
        "short",
        "rate(mx_mariadb_questions_total[5m])",
        "{{stack}} {{host}}",
    ),
    (
        "Requests to the policy host a second",
        "short",
        "rate(mx_nginx_requests_total[5m])",
        "{{stack}} {{host}}",
    ),
    (
        "Services that run",
        "none",
        f'node_systemd_unit_state{{state="active",name=~"({SERVICES})[.]service"}}',
        "{{stack}} {{host}} {{name}}",
    ),
)
_HEIGHT, _WIDTH = 8, 12
_COLUMNS = 24
_SOURCE = {"type": "prometheus", "uid": "${source}"}


def stats(
    thresholds: Thresholds,
) -> tuple[tuple[str, str, str, list[tuple[float | None, str]]], ...]:
    """The first row: title, unit, query, and from which value on it has which colour."""
    day = 86400
    lowest = thresholds.certificate_warning_days * day
    return (
        (
            "Hosts that answer",
            "percentunit",
            'avg(up{job="mx-node"})',
            [(None, RED), (1, GREEN)],
        ),
        (
            "Port 25 that answers",
            "percentunit",
            'avg(probe_success{job="mx-smtp"})',
            [(None, RED), (1, GREEN)],
        ),
        (
            "Last mail taken, ago",
            "s",
            "time() - max(mx_postfix_last_accepted_timestamp_seconds)",
            [(None, GREEN), (thresholds.silence_seconds, RED)],
        ),
        (
            "In the queue",
            "short",
            "sum(mx_queue_messages)",
            [(None, GREEN), (50, ORANGE), (500, RED)],
        ),
        (
            "Oldest in the queue",
            "s",
            'max(mx_queue_oldest_seconds{queue=~"active|deferred|incoming"}) or vector(0)',
            [(None, GREEN), (thresholds.queue_age_seconds, RED)],
        ),
        (
            "Refused in an hour",
            "short",
            "sum(increase(mx_postfix_reject_total[1h]))",
            [(None, "blue")],
        ),
        (
            "First certificate ends in",
            "s",
            "min(mx:certificate_left:seconds)",
            [(None, RED), (lowest / 2, ORANGE), (lowest, GREEN)],
        ),
        ("Drift", "short", "sum(mx_agent_drift)", [(None, GREEN), (1, ORANGE)]),
    )


def dashboard(thresholds: Thresholds) -> dict[str, Any]:
    """The dashboard's JSON model, schema version 36 (Grafana 9 and later)."""
    first = stats(thresholds)
    panels = [_stat(number, len(first), *stat) for number, stat in enumerate(first)]
    panels += [_panel(number, len(first), *panel) for number, panel in enumerate(PANELS)]
    return {
        "uid": "mx",
        "title": "Mail exchangers",
        "schemaVersion": 36,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {"name": "source", "type": "datasource", "query": "prometheus"},
                _variable("stack", 'label_values(up{job="mx-node"}, stack)'),
                _variable("host", 'label_values(up{job="mx-node",stack=~"$stack"}, host)'),
            ],
        },
        "panels": panels,
    }


def _variable(name: str, query: str) -> dict[str, Any]:
    """A variable with the values of a label; all of them at first."""
    return {
        "name": name,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "current": {"text": "All", "value": "$__all"},
        "sort": 1,
    }


def _target(query: str, legend: str) -> dict[str, Any]:
    chosen = narrowed(query, 'stack=~"$stack",host=~"$host"')
    return {"refId": "A", "datasource": _SOURCE, "expr": chosen, "legendFormat": legend}


def _stat(
    number: int,
    count: int,
    title: str,
    unit: str,
    query: str,
    steps: list[tuple[float | None, str]],
) -> dict[str, Any]:
    """One number with its colour."""
    colours = [{"value": value, "color": colour} for value, colour in steps]
    thresholds = {"mode": "absolute", "steps": colours}
    width = _COLUMNS // count
    return {
        "id": number + 1,
        "type": "stat",
        "title": title,
        "datasource": _SOURCE,
        "gridPos": {"h": 4, "w": width, "x": number * width, "y": 0},
        "fieldConfig": {"defaults": {"unit": unit, "thresholds": thresholds}, "overrides": []},
        "options": {
            "colorMode": "background",
            "graphMode": "none",
            "reduceOptions": {"calcs": ["lastNotNull"]},
        },
        "targets": [_target(query, "")],
    }


def _panel(
    number: int, before: int, title: str, unit: str, query: str, legend: str
) -> dict[str, Any]:
    """One picture over time, below the first row; `before` panels have the ids before it."""
    return {
        "id": before + number + 1,
        "type": "timeseries",
        "title": title,
        "datasource": _SOURCE,
        "gridPos": {
            "h": _HEIGHT,
            "w": _WIDTH,
            "x": number % 2 * _WIDTH,
            "y": 4 + number // 2 * _HEIGHT,
        },
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [_target(query, legend)],
    }
