"""Ctrl-C twice in an `up` ends with what was done, the log and the next step, as once does."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.settings.stack_file import settings_of
from tools.mx import apply, engine, log, verbs_apply


class Engine:
    """The engine as `apply.run` sees it: each reading of its output is interrupted."""

    returncode = 1

    def __init__(self, *_: object, **__: object) -> None:
        self.stdout = self
        self.waited = False

    def __iter__(self) -> Iterator[str]:
        raise KeyboardInterrupt

    def wait(self) -> int:
        self.waited = True
        return self.returncode


def test_the_second_interrupt_ends_with_an_outcome(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(log, "create", lambda stack, verb: (Path("x.log"), io.StringIO()))
    monkeypatch.setattr(engine, "environment", lambda stack: {})
    monkeypatch.setattr(subprocess, "Popen", Engine)
    outcome = apply.run("production", "up", [], ["mx1"], {})
    assert (outcome.code, outcome.log) == (130, Path("x.log"))
    assert "A second Ctrl-C ends the engine at once" in " ".join(capsys.readouterr().err.split())


def test_a_host_that_is_in_the_middle_of_a_change_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    outcome = apply.Outcome(130, {}, {}, Path("x.log"), ["mx1: postfix"])
    verbs_apply._say("production", "up", outcome, settings_of("production"), None, "mx up")
    told = " ".join(capsys.readouterr().err.split())
    assert "up: production: not finished; no change was completed" in told
    assert "in the middle of: mx1: postfix. A host finishes or undoes by itself" in told
    assert "nothing changed" not in told
