"""scripts/monitoring: one line for what is wrong, and no traceback."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from components.settings.environment import from_mapping
from components.stack.outputs import outputs, plain
from tests.support.mapping import mapping
from tests.unit.stack.test_outputs import WATCHED
from tools.monitoring import __main__ as monitoring_files


def call(monkeypatch: pytest.MonkeyPatch, directory: Path, **settings: Any) -> int:
    printed = json.dumps(plain(outputs(from_mapping(mapping() | settings))))
    monkeypatch.setattr(sys, "stdin", io.StringIO(printed))
    monkeypatch.setattr(
        sys, "argv", ["monitoring", "lab", str(directory), "--runbooks", "https://x.test/r"]
    )
    return monitoring_files.main()


def test_files_are_written_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, tmp_path, **WATCHED) == 0
    assert f"written: {tmp_path / 'rules.yml'}\n" in capsys.readouterr().out
    assert call(monkeypatch, tmp_path, **WATCHED) == 0
    assert capsys.readouterr().out == ""


def test_a_stack_without_monitoring(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, tmp_path) == 1
    assert capsys.readouterr().err == (
        "monitoring: the stack has no `monitoring` in its settings, so there is nothing to watch\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert call(monkeypatch, tmp_path / "file", **WATCHED) == 1
    assert capsys.readouterr().err.startswith(f"monitoring: {tmp_path}/file")


def test_a_path_in_place_of_the_address_of_the_runbooks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["lab", str(tmp_path), "--runbooks", "docs/runbooks"]
    assert monitoring_files.main(arguments, json.dumps({"outputsVersion": 1})) == 1
    assert "--runbooks docs/runbooks: Alertmanager needs a complete URL" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
