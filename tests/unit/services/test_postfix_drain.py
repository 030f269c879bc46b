"""The queue is emptied before Postfix goes; whatever Postfix does, main.cf is as it was."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.programs import host_program
from tests.support.stacks import ROOT

PROGRAM = ROOT / "components/services/postfix/files/usr/local/lib/mx/mx_postfix_drain.py"
BEFORE = "myhostname = mx1.example.test\n"
CLOSED = "master_service_disable = inet\n"
ONE = "1 message is queued, the oldest for 0 min, for example.test\n"


@dataclass
class Postfix:
    """A Postfix as `subprocess.run` sees it; `deaf`: a reload never ends in master(8)."""

    main_cf: Path
    deaf: bool = False
    leaves: bool = True
    open: bool = True
    queued: int = 1
    silent: str = ""
    calls: list[str] = field(default_factory=list)

    def run(self, argv: tuple[str, ...], **_: Any) -> subprocess.CompletedProcess[str]:
        call = " ".join(argv)
        self.calls.append(call)
        if self.silent and call.startswith(self.silent):
            raise subprocess.TimeoutExpired(argv, 90)
        output = ""
        if argv[0] == "postconf":
            self.main_cf.write_text(BEFORE + CLOSED)
        elif call == "systemctl restart postfix" or (call == "postfix reload" and not self.deaf):
            self.open = CLOSED not in self.main_cf.read_text()
        elif argv[0] == "ss":
            output = "LISTEN 0 100 0.0.0.0:25 0.0.0.0:*\n" if self.open else ""
        elif call == "postqueue -f" and self.leaves:
            self.queued = 0
        elif call.endswith(" queue"):
            output = ONE if self.queued else "the queue is empty\n"
        return subprocess.CompletedProcess(argv, 0, output, "")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = host_program(PROGRAM)
    (tmp_path / "main.cf").write_text(BEFORE)
    monkeypatch.setattr(module, "MAIN_CF", tmp_path / "main.cf")
    monkeypatch.setattr(module, "RELOAD_SECONDS", 0.01)
    return module


def drain(program: ModuleType, monkeypatch: pytest.MonkeyPatch, postfix: Postfix) -> int:
    monkeypatch.setattr(program.subprocess, "run", postfix.run)
    code: int = program.main(["0"])
    assert postfix.main_cf.read_text() == BEFORE
    return code


def test_an_empty_queue_changes_nothing(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    postfix = Postfix(program.MAIN_CF, queued=0)
    assert drain(program, monkeypatch, postfix) == 0
    assert len(postfix.calls) == 1


def test_no_new_mail_comes_in_when_all_has_left(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    postfix = Postfix(program.MAIN_CF)
    assert drain(program, monkeypatch, postfix) == 0
    assert not postfix.open
    assert "systemctl restart postfix" not in postfix.calls


def test_postfix_takes_mail_again_when_mail_is_left(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    postfix = Postfix(program.MAIN_CF, leaves=False)
    assert drain(program, monkeypatch, postfix) == 1
    assert postfix.open
    assert "for example.test: Postfix stays, and takes mail again." in capsys.readouterr().err


@pytest.mark.parametrize("silent", ["", "postfix reload"])
@pytest.mark.parametrize("leaves", [True, False])
def test_a_master_that_does_not_come_back_from_a_reload_is_restarted(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, silent: str, *, leaves: bool
) -> None:
    postfix = Postfix(program.MAIN_CF, deaf=True, leaves=leaves, silent=silent)
    assert drain(program, monkeypatch, postfix) == (0 if leaves else 1)
    assert postfix.open is not leaves
    assert postfix.calls.count("systemctl restart postfix") == (1 if leaves else 2)


@pytest.mark.parametrize("silent", ["postqueue -f", "postconf"])
def test_a_command_that_does_not_end_is_named(
    program: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    silent: str,
) -> None:
    postfix = Postfix(program.MAIN_CF, silent=silent)
    assert drain(program, monkeypatch, postfix) == 1
    assert f"{silent}" in capsys.readouterr().err.split(" did not end within 90 s")[0]


@pytest.mark.parametrize("arguments", [[], ["-1"], ["ten"], ["1", "2"]])
def test_a_wrong_call_says_how(program: ModuleType, arguments: list[str]) -> None:
    assert program.main(arguments) == 64
