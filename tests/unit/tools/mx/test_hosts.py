"""What `mx run` makes of a host's words."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from components.settings.stack_file import settings_of
from tools.mx import hosts
from tools.mx.app import run
from tools.mx.codes import FAILED, OK


def test_a_carriage_return_in_a_hosts_words_begins_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    said = b"host mx1 0\nout\tReading 1%\rReading 100%\rhost mx2 0\nerr\t\n"
    monkeypatch.setattr(
        subprocess, "run", lambda argv, **_: subprocess.CompletedProcess(argv, 0, said, b"")
    )
    answers: Any = hosts.run(settings_of("production"), [], "true")
    assert answers == {"mx1": (0, "Reading 1%\rReading 100%\rhost mx2 0", "")}


def test_all_hosts_are_asked_though_one_is_silent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {"mx1": (255, "", "ssh: connect to host: Connection timed out"), "mx2": (0, "up", "")}
    monkeypatch.setattr(hosts, "run", lambda _, names, *more: {names[0]: answers[names[0]]})
    assert run(["run", "production", "all", "uptime"]) == FAILED
    shown = capsys.readouterr()
    assert shown.out == "mx1:\nmx2:\nup\n"
    assert "mx1: not reached over SSH at 198.51.100.21 (hosts.mx1.ipv4): " in shown.err


def test_options_behind_the_host_are_the_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def run_there(*arguments: Any) -> dict[str, tuple[int, str, str]]:
        asked.append(arguments[2])
        return {"mx1": (0, "Mail queue is empty", "")}

    monkeypatch.setattr(hosts, "run", run_there)
    assert run(["run", "production", "mx1", "postqueue", "-p"]) == OK
    assert run(["run", "production", "mx1", "--", "grep", "--help"]) == OK
    assert [line.partition("sh -c ")[2] for line in asked] == ["'postqueue -p'", "'grep --help'"]
    assert capsys.readouterr().out == "Mail queue is empty\n" * 2
