"""A dashboard for Grafana: is mail flowing, in numbers; below them, what happened and where.

What the panels show is in panels.py. The variables `stack` and `host` choose of what they show it.
"""

from __future__ import annotations

from typing import Any

from components.stack.outputs import Thresholds
from tools.monitoring.panels import RED, Graph, Stat, Steps, graphs, stats
from tools.monitoring.promql import narrowed

_COLUMNS = 24
# A title of a number needs a quarter of a small screen; two pictures stand in a row.
_STAT_WIDTH, _STAT_HEIGHT = 6, 3
_WIDTH, _HEIGHT = 12, 8
_SOURCE = {"type": "prometheus", "uid": "${source}"}


def dashboard(thresholds: Thresholds) -> dict[str, Any]:
    """The dashboard's JSON model, schema version 36 (Grafana 9 and later)."""
    numbers, pictures = stats(thresholds), graphs(thresholds)
    a_row = _COLUMNS // _STAT_WIDTH
    below = -(-len(numbers) // a_row) * _STAT_HEIGHT
    panels = [
        _stat(stat)
        | {"id": number + 1, "gridPos": _place(number, a_row, _STAT_WIDTH, _STAT_HEIGHT, 0)}
        for number, stat in enumerate(numbers)
    ]
    panels += [
        _graph(graph)
        | {
            "id": len(numbers) + number + 1,
            "gridPos": _place(number, _COLUMNS // _WIDTH, _WIDTH, _HEIGHT, below),
        }
        for number, graph in enumerate(pictures)
    ]
    return {
        "uid": "mx",
        "title": "Mail exchangers",
        "schemaVersion": 36,
        "refresh": "1m",
        "graphTooltip": 1,  # the pointer's moment is marked in all pictures
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


def _place(number: int, a_row: int, width: int, height: int, below: int) -> dict[str, int]:
    """Where a panel stands when `a_row` of its size stand in a row, `below` that line."""
    row, column = divmod(number, a_row)
    return {"h": height, "w": width, "x": column * width, "y": below + row * height}


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


def _steps(steps: Steps) -> dict[str, Any]:
    colours = [{"value": value, "color": colour} for value, colour in steps]
    return {"mode": "absolute", "steps": colours}


def _stat(stat: Stat) -> dict[str, Any]:
    """One number with its colour. It is of now: one that has gone is not shown as it was."""
    defaults = {"unit": stat.unit, "thresholds": _steps(stat.steps), "decimals": stat.decimals}
    return {
        "type": "stat",
        "title": stat.title,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": _given(defaults), "overrides": []},
        "options": {
            "colorMode": "background",
            "graphMode": "none",
            "reduceOptions": {"calcs": ["lastNotNull"]},
        },
        "targets": [_target(stat.query, "") | {"instant": True, "range": False}],
    }


def _graph(graph: Graph) -> dict[str, Any]:
    """One picture over time."""
    limit = _limit(graph)
    custom = {
        "lineWidth": 2,
        "axisSoftMax": graph.soft_top,
        "thresholdsStyle": {"mode": "dashed"} if limit else None,
    }
    defaults = {
        "unit": graph.unit,
        "min": 0,
        "max": graph.top,
        "decimals": graph.decimals,
        "noValue": graph.empty,
        "thresholds": _steps(limit) if limit else None,
        "custom": _given(custom),
    }
    legend: dict[str, Any] = {
        "showLegend": True,
        "displayMode": "list",
        "placement": "bottom",
        "calcs": [],
    }
    if graph.first:
        legend |= {
            "displayMode": "table",
            "placement": "right",
            "calcs": ["lastNotNull"],
            "sortBy": "Last *",
            "sortDesc": graph.first == "highest",
        }
    return {
        "type": "timeseries",
        "title": graph.title,
        "datasource": _SOURCE,
        "fieldConfig": {
            "defaults": _given(defaults),
            "overrides": [_coloured(name, colour) for name, colour in graph.colours.items()],
        },
        "options": {"legend": legend},
        "targets": [_target(graph.query, graph.legend)],
    }


def _limit(graph: Graph) -> Steps:
    """A red line at the limit: it has the colour of the side that is not transparent."""
    if graph.above is not None:
        return ((None, "transparent"), (graph.above, RED))
    return () if graph.below is None else ((None, RED), (graph.below, "transparent"))


def _coloured(name: str, colour: str) -> dict[str, Any]:
    """The series of this name in a colour of its own."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
    }


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    """Without the fields that are left to Grafana."""
    return {name: value for name, value in fields.items() if value is not None}
