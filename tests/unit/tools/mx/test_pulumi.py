"""`mx pulumi`: the engine's own commands, with what they would lose put right."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from tools.mx import engine
from tools.mx.app import run
from tools.mx.codes import OK


@pytest.mark.parametrize(
    ("given", "runs"),
    [
        # Without the option the engine deletes the stack file with the state.
        ("stack rm", "stack rm --preserve-config --stack production"),
        ("stack rm production --yes", "stack rm production --yes --preserve-config"),
        ("stack rm --preserve-config", "stack rm --preserve-config --stack production"),
        ("stack init", "stack init --stack production"),
        ("stack output --json", "stack output --json --stack production"),
        ("whoami", "whoami"),
    ],
)
def test_the_engine_gets_the_stack_once_and_keeps_its_file(
    monkeypatch: pytest.MonkeyPatch, given: str, runs: str
) -> None:
    called: list[list[str]] = []

    def take(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        called.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(engine, "install", lambda: None)
    monkeypatch.setattr(engine, "environment", lambda stack: {})
    monkeypatch.setattr(subprocess, "run", take)
    assert run(["pulumi", "production", *given.split()]) == OK
    assert [" ".join(command) for command in called] == [f"pulumi {runs}"]
