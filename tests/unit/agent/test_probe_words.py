"""A probe that fails says why: its own words, and what the units logged meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.agent.process import Failure, Result
from tests.support.agent_host import Host, Staged, manifest


def changed(**more: Any) -> str:
    return manifest(
        units={"db.service": {}}, probe=[{"run": ["ask"], "timeout": 0.1}], run=[], **more
    )


def test_log_of_the_units_is_told_where_the_probe_says_little(
    root: Path, host: Host, agent: Staged
) -> None:
    host.answers["ask"] = Result(124, "", "ask: no end after 0 s")
    lines = [f"line {number}" for number in range(5)] + ["open database /etc/nope: " + "x" * 900]
    host.answers["journalctl"] = Result(0, "\n".join(lines) + "\n", "")
    with pytest.raises(Failure) as caught:
        agent.apply(changed())
    told = str(caught.value).split("\n")
    at = told.index("the log of db.service meanwhile:")
    assert told[at + 1 : at + 3] == ["  line 3", "  line 4"]
    assert told[at + 3].startswith("  open database /etc/nope: x")
    assert len(told[at + 3]) < 310
    call = next(each for each in host.calls if each[0] == "journalctl")
    assert call[-2:] == ["-u", "db.service"]
    assert "warning" in call


def test_no_log_adds_no_line(root: Path, host: Host, agent: Staged) -> None:
    host.answers["ask"] = Result(1, "", "451 no")
    host.answers["journalctl"] = Result(1, "", "no journal")
    with pytest.raises(Failure, match=r"probe ask: 451 no \(tried for 0.1 s\)\n") as caught:
        agent.apply(changed())
    assert "meanwhile" not in str(caught.value)


def test_an_attempt_without_time_left_does_not_hide_the_reason(
    agent: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 0.0, 29.0, 29.8, 31.0])
    said = iter(["451 lookup failure", "ask: no end after 0 s"])
    monkeypatch.setattr("components.agent.probes.time.monotonic", lambda: next(clock))
    monkeypatch.setattr("components.agent.probes.time.sleep", lambda _: None)
    monkeypatch.setattr(agent, "_probe_once", lambda probe, left: next(said))
    probe = {"run": ["ask"], "timeout": 30}
    with pytest.raises(Failure, match="probe ask: 451 lookup failure"):
        agent._probe_all({"probe": [probe], "units": {}}, {})
