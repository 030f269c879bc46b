"""What the dashboard shows: numbers of now, and pictures over time with their limits.

Every panel is a query that the alerts know too; its limits are those of the alerts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from components.stack.outputs import Thresholds
from tools.monitoring.alerts_host import DISK_FREE, SERVICES
from tools.monitoring.alerts_published import soon

GREEN, YELLOW, ORANGE, RED, PURPLE, BLUE = "green", "yellow", "orange", "red", "purple", "blue"
Steps = tuple[tuple[float | None, str], ...]
"""From which value on there is which colour; None is the lowest."""
_RUNNING = f'node_systemd_unit_state{{state="active",name=~"({SERVICES})[.]service"}}'


@dataclass(frozen=True)
class Stat:
    """One number of now, on the colour of its step."""

    title: str
    unit: str
    query: str
    steps: Steps
    decimals: int | None = None


@dataclass(frozen=True)
class Graph:
    """One picture over time.

    colours: by the name that the legend gives. above, below: the limit of an alert, as a dashed
    line. top: the end of the axis; soft_top: its end when nothing is higher. first: there are many
    series, so that below the picture the legend would be cut off; it is a table beside it, with the
    "highest" or the "lowest" first. empty: what is said when there are no series.
    """

    title: str
    unit: str
    query: str
    legend: str
    colours: Mapping[str, str] = field(default_factory=dict)
    above: float | None = None
    below: float | None = None
    top: float | None = None
    soft_top: float | None = None
    decimals: int | None = None
    first: Literal["highest", "lowest"] | None = None
    empty: str | None = None


def stats(thresholds: Thresholds) -> tuple[Stat, ...]:
    """The numbers above all pictures."""
    return (
        Stat(
            "Hosts that answer", "percentunit", 'avg(up{job="mx-node"})', ((None, RED), (1, GREEN))
        ),
        Stat(
            "Port 25 that answers",
            "percentunit",
            'avg(probe_success{job="mx-smtp"})',
            ((None, RED), (1, GREEN)),
        ),
        Stat(
            "Last mail taken, ago",
            "s",
            "time() - max(mx_postfix_last_accepted_timestamp_seconds)",
            ((None, GREEN), (thresholds.silence_seconds, RED)),
        ),
        Stat(
            "In the queue",
            "short",
            "sum(mx_queue_messages)",
            ((None, GREEN), (50, ORANGE), (500, RED)),
        ),
        Stat(
            "Oldest in the queue",
            "s",
            'max(mx_queue_oldest_seconds{queue=~"active|deferred|incoming"}) or vector(0)',
            ((None, GREEN), (thresholds.queue_age_seconds, RED)),
        ),
        Stat(
            "Refused in an hour",
            "short",
            "sum(increase(mx_postfix_reject_total[1h]))",
            ((None, BLUE),),
            decimals=0,
        ),
        Stat(
            "Certificates that end soon",
            "short",
            f"sum(mx:certificate_left:seconds < bool {soon(thresholds)})",
            ((None, GREEN), (1, RED)),
        ),
        Stat("Drift", "short", "sum(mx_agent_drift)", ((None, GREEN), (1, ORANGE))),
    )


def graphs(thresholds: Thresholds) -> tuple[Graph, ...]:
    """The pictures below the numbers: mail first, then what it needs."""
    return (*_mail(thresholds), *_host())


def _mail(thresholds: Thresholds) -> tuple[Graph, ...]:
    return (
        Graph(
            "Port 25 that answers, by address",
            "none",
            'probe_success{job="mx-smtp"}',
            "{{instance}}",
            top=1,
            decimals=0,
        ),
        Graph(
            "Messages taken a minute",
            "short",
            "60 * mx:accepted:rate5m",
            "{{stack}} {{host}}",
            soft_top=1,
        ),
        Graph(
            "Deliveries a minute",
            "short",
            "60 * sum by (kind) (rate(mx_postfix_delivery_total[5m]))",
            "{{kind}}",
            {"sent": GREEN, "deferred": ORANGE, "bounced": RED, "expired": PURPLE},
            soft_top=1,
        ),
        Graph(
            "Refused a minute",
            "short",
            "60 * sum by (kind) (rate(mx_postfix_reject_total[5m]))",
            "{{kind}}xx",
            {"4xx": ORANGE, "5xx": RED},
            soft_top=1,
        ),
        Graph(
            "Messages in the queue",
            "short",
            "mx_queue_messages",
            "{{stack}} {{host}} {{queue}}",
            soft_top=1,
            first="highest",
        ),
        Graph(
            "Oldest message",
            "s",
            "max by (stack, host) (mx_queue_oldest_seconds)",
            "{{stack}} {{host}}",
            above=thresholds.queue_age_seconds,
        ),
        Graph(
            "Deferred by destination",
            "short",
            "sum by (destination) (mx_queue_destination_messages)",
            "{{destination}}",
            soft_top=1,
            empty="Nothing is deferred",
        ),
    )


def _host() -> tuple[Graph, ...]:
    by_host = "{{stack}} {{host}}"
    return (
        Graph(
            "Certificates: time left",
            "s",
            "mx:certificate_left:seconds",
            "{{name}} {{algorithm}} {{source}}",
            first="lowest",
        ),
        Graph(
            "Drift",
            "short",
            "mx_agent_drift > 0 or sum by (stack, host) (mx_agent_drift) == 0",
            "{{stack}} {{host}} {{bundle}}",
            soft_top=1,
            decimals=0,
        ),
        Graph(
            "Disk: free",
            "percentunit",
            "mx_disk_free_ratio",
            "{{stack}} {{host}} {{path}}",
            below=DISK_FREE,
            top=1,
            first="lowest",
        ),
        Graph(
            "Spam filter: messages a minute",
            "short",
            "60 * sum by (action) (rate(mx_rspamd_action_total[5m]))",
            "{{action}}",
            {
                "no action": GREEN,
                "add header": YELLOW,
                "rewrite subject": YELLOW,
                "greylist": BLUE,
                "soft reject": ORANGE,
                "reject": RED,
            },
            soft_top=1,
        ),
        Graph("Redis: memory", "bytes", "mx_redis_memory_bytes", by_host),
        Graph(
            "Questions to the resolver a second",
            "short",
            "rate(mx_unbound_queries_total[5m])",
            by_host,
            soft_top=1,
        ),
        Graph(
            "Statements to the database a second",
            "short",
            "rate(mx_mariadb_questions_total[5m])",
            by_host,
            soft_top=1,
        ),
        Graph(
            "Requests to the policy host a second",
            "short",
            "rate(mx_nginx_requests_total[5m])",
            by_host,
            soft_top=1,
        ),
        Graph(
            "Services that do not run",
            "none",
            f"1 - {_RUNNING} > 0 or sum by (stack, host) (1 - {_RUNNING}) == 0",
            "{{stack}} {{host}} {{name}}",
            soft_top=1,
            decimals=0,
        ),
    )
