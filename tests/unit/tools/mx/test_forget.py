"""`mx forget`: a host that is lost for good leaves the stack without being asked."""

from __future__ import annotations

from typing import Any

import click
import pytest

from tools.mx import cut_off, engine, lost, state, verb_forget
from tools.mx.app import run
from tools.mx.codes import FAILED, OK, USAGE
from tools.preview.model import Change, Report

LOST = "mx3"


def _urn(kind: str, name: str) -> str:
    return f"urn:pulumi:production::mx::{kind}::{name}"


def _host(name: str) -> list[dict[str, Any]]:
    top, inner = _urn(lost.COMPONENT, name), _urn("mx:host:Host", name)
    agent = _urn("command:remote:Command", f"{name}-agent")
    return [
        {"urn": top, "type": lost.COMPONENT, "parent": "urn:stack"},
        {"urn": inner, "type": "mx:host:Host", "parent": top},
        {"urn": agent, "type": "command:remote:Command", "parent": inner},
    ]


# The name of a host that lives on begins with that of the lost one.
STATE = [*_host("mx1"), *_host(LOST), *_host(f"{LOST}-b"), {"urn": _urn("t", f"dns-a-{LOST}")}]
OWN = [each["urn"] for each in _host(LOST)]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the engine was asked for; the preview plans a change."""
    found: list[list[str]] = []

    def up(stack: str, verb: str, arguments: list[str], *_: Any, **__: Any) -> int:
        found.append([verb, *arguments])
        return OK

    def plan(stack: str, more: list[str]) -> Report:
        found.append(["preview", *more])
        return Report(stack, [Change("update", "mx1", "postfix")], counts={"update": 1})

    monkeypatch.setattr(engine, "install", lambda: None)
    monkeypatch.setattr(state, "forget", lambda _, urns, __: found.append(["forget", *urns]))
    monkeypatch.setattr(state, "locked", lambda stack: None)
    monkeypatch.setattr(state, "deployment", lambda stack: {"resources": STATE})
    monkeypatch.setattr(cut_off, "take_over", lambda stack: None)
    monkeypatch.setattr(verb_forget, "carry_out", up)
    monkeypatch.setattr(verb_forget, "plan", plan)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    return found


def test_only_the_resources_of_the_lost_host_are_left_out() -> None:
    assert lost.urns(STATE, LOST) == OWN
    assert lost.urns(STATE, "mx9") == []
    assert lost.hosts(STATE) == ["mx1", LOST, f"{LOST}-b"]


def test_the_rest_is_applied_before_the_host_leaves_the_state(
    calls: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["forget", "production", LOST, "--yes"]) == OK
    excluded = [option for urn in OWN for option in ("--exclude", urn)]
    assert calls == [
        ["preview", *excluded],
        ["up", "--continue-on-error", *excluded],
        ["forget", *OWN],
    ]
    shown = capsys.readouterr()
    said = " ".join(shown.out.split())
    assert f"{LOST} leaves the state of production with 1 resource." in said
    assert "MX hosts that are left: mx1, mx2." in said


def test_an_up_that_failed_keeps_the_host_in_the_state(
    calls: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb_forget, "carry_out", lambda *_, **__: FAILED)
    assert run(["forget", "production", LOST, "--yes"]) == FAILED
    assert [each[0] for each in calls] == ["preview"]


def test_a_preview_that_failed_changes_nothing(
    calls: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb_forget, "plan", lambda stack, more: Report(stack, errors=["no"]))
    assert run(["forget", "production", LOST, "--yes"]) == FAILED
    assert calls == []


def test_where_nobody_can_answer_the_report_is_all(
    calls: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    assert run(["forget", "production", LOST]) == USAGE
    assert [each[0] for each in calls] == ["preview"]
    shown = capsys.readouterr()
    assert "production: changes" in shown.out
    assert "read the report above, then add --yes" in " ".join(shown.err.split())


def test_no_is_an_answer(calls: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click, "confirm", lambda *_, **__: False)
    assert run(["forget", "production", LOST]) == FAILED
    assert [each[0] for each in calls] == ["preview"]


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("mx1", "still has the host mx1: remove hosts.mx1 there first"),
        ("mx9", f"the state of production has no host mx9; it has mx1, {LOST}, {LOST}-b"),
    ],
)
def test_a_host_that_is_not_lost_stays(
    calls: list[list[str]], capsys: pytest.CaptureFixture[str], host: str, told: str
) -> None:
    assert run(["forget", "production", host, "--yes"]) == USAGE
    assert told in " ".join(capsys.readouterr().err.split())
    assert calls == []
