"""The alerts: what must wake somebody, as data. Each has a page in docs/runbooks."""

from __future__ import annotations

from components.stack.outputs import Thresholds
from tools.monitoring import alerts_host, alerts_mail, alerts_published
from tools.monitoring.alert import Alert
from tools.monitoring.promql import narrowed


def alerts(thresholds: Thresholds) -> list[Alert]:
    """All alerts, in the order of the runbooks' index."""
    return [
        *alerts_published.alerts(thresholds),
        *alerts_mail.alerts(thresholds),
        *alerts_host.alerts(),
    ]


def rules(
    found: list[Alert], stack: str, runbooks: str | None, hold_factor: float = 1.0
) -> dict[str, object]:
    """A rule file of Prometheus for one stack: recording rules, then the alerts.

    No rule sees another stack, so rule files of several stacks stand side by side. `runbooks` is
    the address of docs/runbooks; without it alerts have no link. `hold_factor` shortens how long
    an expression must be true, for tests.
    """
    only = f'stack="{stack}"'
    recorded = [
        {"record": name, "expr": narrowed(expression, only)} for name, expression in _RECORDED
    ]
    alerting = [
        {
            "alert": each.name,
            "expr": narrowed(each.expr, only),
            "for": f"{round(each.hold * hold_factor)}s",
            "labels": {"severity": each.severity, "stack": stack},
            "annotations": {
                "summary": each.summary,
                **({"runbook_url": f"{runbooks.rstrip('/')}/{each.name}.md"} if runbooks else {}),
            },
        }
        for each in found
    ]
    return {
        "groups": [
            {"name": f"mx-{stack}-recorded", "rules": recorded},
            {"name": f"mx-{stack}-alerts", "rules": alerting},
        ]
    }


_RECORDED = (
    ("mx:queue_messages:sum", "sum by (stack, host) (mx_queue_messages)"),
    ("mx:certificate_left:seconds", "mx_certificate_not_after_timestamp_seconds - time()"),
    (
        "mx:certificate_lifetime:seconds",
        "mx_certificate_not_after_timestamp_seconds - mx_certificate_not_before_timestamp_seconds",
    ),
    ("mx:accepted:rate5m", "sum by (stack, host) (rate(mx_postfix_accepted_total[5m]))"),
)
