"""`mx-agent status`: JSON for programs, lines for a person at a terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from components.agent import main as cli
from tests.support.agent_host import Staged, file, manifest


def test_status_is_lines_at_a_terminal_and_json_for_programs(
    root: Path, agent: Staged, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.apply(manifest("one", files={"/etc/one": file("as applied\n")}))
    (root / "etc/one").write_text("by hand \x1b[2J\n")
    capsys.readouterr()

    def shown(*words: str) -> str:
        assert cli.main(["status", *words], agent) == 0
        return capsys.readouterr().out

    assert json.loads(shown())["bundles"]["one"]["drift"]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert json.loads(shown("--json", "one"))["bundles"]["one"]["drift"]
    lines = shown().splitlines()
    assert lines[0].startswith("mx-agent ")
    assert lines[1].split() == ["bundle", "applied", "rollback", "differs"]
    assert lines[2].startswith("one ")
    assert lines[2].endswith("/etc/one content changed")
    assert "  +by hand \\x1b[2J" in lines
