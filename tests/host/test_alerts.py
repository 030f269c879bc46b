"""Prometheus and Alertmanager, fed by scripts/monitoring alone: break, fire, mend, resolve."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any
from urllib.parse import quote

import pytest

from components.stack.outputs import Thresholds
from lab import monitor as server
from lab.topology import MONITOR, MX2, RESOLVER, ipv4
from tools.monitoring.panels import Graph, Stat, graphs, stats

from .breaks import LOCAL, OFF, PUBLISHED, SEEN, UPDATES, Break, wrong_records
from .conftest import ROOT, Ssh
from .machine import switched_off

pytestmark = pytest.mark.host

PROMETHEUS = f"http://{MONITOR.address}:9090"
ALERTMANAGER = f"http://{MONITOR.address}:9093"
# Alerts wait for a small part of the time that they wait for in earnest.
HOLD_FACTOR = "0.004"
LIMITS = Thresholds(certificate_warning_days=1, queue_age_seconds=1, silence_seconds=1)


def ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as reply:
        return json.load(reply)


def eventually(seconds: float, state: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
    """Poll until the state is good; return the last one, for the caller to assert."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            seen = state()
        except (urllib.error.URLError, OSError) as error:
            seen = error
        if not isinstance(seen, OSError) and good(seen):
            return seen
        if time.monotonic() > deadline:
            return seen
        time.sleep(2)


def health() -> dict[str, str]:
    found = ask(f"{PROMETHEUS}/api/v1/targets?state=active")["data"]["activeTargets"]
    return {
        f"{each['labels']['job']} {each['discoveredLabels']['__address__']}": each["health"]
        for each in found
    }


def query(expression: str) -> Any:
    """The samples that an expression gives now."""
    return ask(f"{PROMETHEUS}/api/v1/query?query={quote(expression)}")["data"]["result"]


def pending() -> list[Any]:
    """Alerts that Prometheus has at this moment, firing or not yet."""
    return list(ask(f"{PROMETHEUS}/api/v1/alerts")["data"]["alerts"])


def firing() -> list[dict[str, str]]:
    """Labels of the alerts that have reached Alertmanager and are not resolved."""
    return [each["labels"] for each in ask(f"{ALERTMANAGER}/api/v2/alerts")]


def collect(ssh: Ssh, *hosts: str) -> None:
    """Let the hosts' collectors run now and not within their interval."""
    for host in hosts:
        ssh(host, "systemctl start mx-collect.service")


@pytest.fixture(scope="module")
def monitored(lab: dict[str, str], ssh: Ssh) -> None:
    """The monitoring server, with the files that scripts/monitoring makes of the outputs."""
    directory = MONITOR.root / server.DIRECTORY.lstrip("/")
    for command in (
        ["scripts/lab", "up", "--monitoring"],
        [
            "scripts/monitoring",
            "lab",
            str(directory),
            "--hold-factor",
            HOLD_FACTOR,
            "--resolver",
            ipv4(RESOLVER),
        ],
    ):
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    # The example asks every 15 s.
    example = directory / "prometheus.yml"
    example.write_text(example.read_text().replace("15s", "5s"))
    for host in ("mx1", "mx2"):
        # The lab's hosts may be of last week, and their lists of packages too.
        ssh(host, f"touch /var/lib/apt/lists && rm -f {UPDATES}")
        ssh(host, "systemctl start mx-updates.service")
    collect(ssh, "mx1", "mx2")
    server.read_files()


def test_every_target_is_up_and_nothing_fires(monitored: None) -> None:
    up = eventually(90, health, lambda seen: len(seen) >= 6 and set(seen.values()) == {"up"})
    assert set(up.values()) == {"up"}, up
    assert len(up) >= 6
    probes = eventually(
        90,
        lambda: query("probe_success"),
        lambda seen: len(seen) >= 4 and all(each["value"][1] == "1" for each in seen),
    )
    assert [each["metric"] for each in probes if each["value"][1] != "1"] == []
    counted = eventually(60, lambda: query("mx:queue_messages:sum"), lambda seen: len(seen) == 2)
    assert len(counted) == 2, "the rules were evaluated with the numbers of both hosts"
    quiet = eventually(60, pending, lambda seen: not seen)
    assert quiet == []
    # A server that ran before may have left alerts, which end by themselves.
    assert eventually(300, firing, lambda seen: not seen) == []


def test_every_panel_has_data(monitored: None) -> None:
    panels: list[Graph | Stat] = [*graphs(LIMITS), *stats(LIMITS)]

    def empty() -> list[str]:
        return [panel.title for panel in panels if not query(panel.query)]

    expected = {"Deferred by destination"}  # nothing is deferred
    missing = eventually(120, empty, lambda seen: set(seen) <= expected)
    assert set(missing) <= expected


def unseen(wanted: list[dict[str, str]], seen: list[dict[str, str]]) -> list[dict[str, str]]:
    """Those that no alert with at least these labels is there for."""
    return [labels for labels in wanted if not any(labels.items() <= one.items() for one in seen)]


def fire(
    ssh: Ssh,
    broken: Sequence[Break],
    contexts: Sequence[AbstractContextManager[None]],
    for_contexts: Sequence[dict[str, str]],
    collectors: Sequence[str],
) -> None:
    """Break all of it, see every alert at Alertmanager, mend all of it."""
    missing = [*for_contexts, *(labels for each in broken for labels in each.alerts)]
    seen: list[dict[str, str]] = []
    with ExitStack() as mends:
        for context in contexts:
            mends.enter_context(context)
        for late in (False, True):
            for each in broken:
                if each.after_collect == late:
                    mends.callback(ssh, each.host, each.mends)
                    ssh(each.host, each.breaks)
            if not late:
                collect(ssh, *collectors)
        deadline = time.monotonic() + 180
        while missing and time.monotonic() < deadline:
            time.sleep(3)
            seen = firing()
            missing = unseen(missing, seen)
    assert missing == [], seen


def test_alerts_fire_and_resolve(monitored: None, ssh: Ssh) -> None:
    assert eventually(90, firing, lambda seen: not seen) == []
    fire(ssh, LOCAL, [switched_off(MX2)], OFF, ["mx1"])
    # The next faults come while the alerts of the last ones resolve.
    fire(ssh, SEEN, wrong_records(), PUBLISHED, ["mx1", "mx2"])
    ssh("mx1", "postfix flush")
    send = ["scripts/lab", "send", "alice@sender.test", "alice@example.test", "--via", "mx1"]
    subprocess.run(send, cwd=ROOT, capture_output=True, timeout=120, check=True)
    collect(ssh, "mx1", "mx2")
    resolved = eventually(240, firing, lambda seen: not seen)
    assert resolved == []
