"""The dashboard, read by Grafana's own model of it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from components.stack.outputs import Thresholds
from tools.monitoring import dashboard
from tools.monitoring.panels import graphs

LIMITS = Thresholds(certificate_warning_days=14, queue_age_seconds=3600, silence_seconds=21600)


def model() -> dict[str, Any]:
    return json.loads(json.dumps(dashboard.dashboard(LIMITS)))  # type: ignore[no-any-return]


def differences(ours: Any, theirs: Any, place: str) -> Iterator[str]:
    """What we set and the model does not have, or has otherwise; defaults of its own are well."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if key in theirs:
                yield from differences(value, theirs[key], f"{place}.{key}")
            else:
                yield f"{place}.{key} is unknown"
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(one, other, f"{place}[{number}]")
    elif ours != theirs:
        yield f"{place} is {theirs!r} and not {ours!r}"


def lost(document: dict[str, Any]) -> list[str]:
    register_default_plugins()
    theirs = json.loads(JSONEncoder().encode(Dashboard.from_json(document)))
    return list(differences(document, theirs, "dashboard"))


def test_grafanas_model_has_every_key() -> None:
    assert lost(model()) == []


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (("panels", 0, "options"), "colourMode"),
        (("panels", 0, "targets", 0), "expression"),
        (("panels", 8, "fieldConfig", "defaults", "custom"), "axisTop"),
        (("templating", "list", 1), "multiple"),
    ],
)
def test_a_key_that_grafana_does_not_know_is_seen(path: tuple[str | int, ...], key: str) -> None:
    document = model()
    part: Any = document
    for step in path:
        part = part[step]
    part[key] = "x"
    found = lost(document)
    assert len(found) == 1
    assert found[0].endswith(f".{key} is unknown")


def test_a_number_that_has_gone_is_not_shown_as_it_was() -> None:
    stats = [panel for panel in model()["panels"] if panel["type"] == "stat"]
    assert stats
    assert all(panel["targets"][0]["instant"] for panel in stats)


def test_a_legend_has_only_labels_that_its_query_keeps() -> None:
    for graph in graphs(LIMITS):
        kept = re.findall(r" by \(([^)]*)\)", graph.query)
        if kept and " or " not in graph.query:
            assert set(re.findall(r"{{(\w+)}}", graph.legend)) <= set(kept[0].split(", "))


def test_a_host_stands_for_itself_until_a_bundle_or_a_service_is_wrong(tmp_path: Path) -> None:
    running = 'node_systemd_unit_state{stack="s",state="active",host="%s",name="%s.service"}'
    series = {
        running % ("mx1", "postfix"): 1,
        running % ("mx1", "rspamd"): 0,
        running % ("mx2", "postfix"): 1,
        'mx_agent_drift{stack="s",host="mx1",bundle="postfix"}': 0,
        'mx_agent_drift{stack="s",host="mx1",bundle="redis"}': 2,
        'mx_agent_drift{stack="s",host="mx2",bundle="postfix"}': 0,
    }
    queries = {graph.title: graph.query for graph in graphs(LIMITS)}
    wanted = {
        queries["Services that do not run"]: {
            '{stack="s",host="mx1",name="rspamd.service",state="active"}': 1,
            '{stack="s",host="mx2"}': 0,
        },
        queries["Drift"]: {
            'mx_agent_drift{stack="s",host="mx1",bundle="redis"}': 2,
            '{stack="s",host="mx2"}': 0,
        },
    }
    case = {
        "input_series": [{"series": each, "values": str(value)} for each, value in series.items()],
        "promql_expr_test": [
            {
                "expr": query,
                "exp_samples": [{"labels": labels, "value": n} for labels, n in samples.items()],
            }
            for query, samples in wanted.items()
        ],
    }
    (tmp_path / "test.yml").write_text(json.dumps({"tests": [case]}))
    done = subprocess.run(
        ["promtool", "test", "rules", tmp_path / "test.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
