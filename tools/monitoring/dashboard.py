"""A dashboard for Grafana: one row a question, every panel a query that the alerts know too."""

from __future__ import annotations

from typing import Any

from tools.monitoring.alerts import SERVICES

# Title, unit, query, legend. Two panels stand in a row.
PANELS = (
    ("Hosts that answer", "none", 'up{job="mx-node"}', "{{host}}"),
    ("Port 25 that answers", "none", 'probe_success{job="mx-smtp"}', "{{instance}}"),
    ("Messages taken a second", "short", "mx:accepted:rate5m", "{{host}}"),
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
    ("Messages in the queue", "short", "mx_queue_messages", "{{host}} {{queue}}"),
    ("Oldest message", "s", "max by (host) (mx_queue_oldest_seconds)", "{{host}}"),
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
    ("Drift", "short", "mx_agent_drift", "{{host}} {{bundle}}"),
    ("Disk: free", "percentunit", "mx_disk_free_ratio", "{{host}} {{path}}"),
    (
        "Spam filter: messages a second",
        "short",
        "sum by (action) (rate(mx_rspamd_action_total[5m]))",
        "{{action}}",
    ),
    ("Redis: memory", "bytes", "mx_redis_memory_bytes", "{{host}}"),
    (
        "Questions to the resolver a second",
        "short",
        "rate(mx_unbound_queries_total[5m])",
        "{{host}}",
    ),
    (
        "Statements to the database a second",
        "short",
        "rate(mx_mariadb_questions_total[5m])",
        "{{host}}",
    ),
    (
        "Requests to the policy host a second",
        "short",
        "rate(mx_nginx_requests_total[5m])",
        "{{host}}",
    ),
    (
        "Services that run",
        "none",
        f'node_systemd_unit_state{{state="active",name=~"({SERVICES})[.]service"}}',
        "{{host}} {{name}}",
    ),
)
_HEIGHT, _WIDTH = 8, 12


def dashboard() -> dict[str, Any]:
    """The dashboard's JSON model, schema version 36 (Grafana 9 and later)."""
    return {
        "uid": "mx",
        "title": "Mail exchangers",
        "schemaVersion": 36,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "source", "type": "datasource", "query": "prometheus"}],
        },
        "panels": [_panel(number, *panel) for number, panel in enumerate(PANELS)],
    }


def _panel(number: int, title: str, unit: str, query: str, legend: str) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "datasource": source,
        "gridPos": {
            "h": _HEIGHT,
            "w": _WIDTH,
            "x": number % 2 * _WIDTH,
            "y": number // 2 * _HEIGHT,
        },
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [{"refId": "A", "datasource": source, "expr": query, "legendFormat": legend}],
    }
