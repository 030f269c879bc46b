"""One alert, and the severities."""

from __future__ import annotations

from dataclasses import dataclass

CRITICAL, WARNING = "critical", "warning"  # wakes somebody; waits for the morning


@dataclass(frozen=True)
class Alert:
    """One alert: it fires once `expr` has been true for `hold` seconds."""

    name: str
    expr: str
    hold: int
    severity: str
    summary: str
