"""`mx host` on a terminal: what differs stands below the table, a line for each."""

from __future__ import annotations

import io
import sys

import pytest

from tools.mx.console import show
from tools.mx.verbs_host import lines_of_agent

PATH = "/etc/postfix/main.cf.d/10-general.cf"
STATUS = {
    "owner": "mx/example",
    "unfinished": False,
    "failed": {},
    "bundles": {
        "postfix": {
            "applied": "2026-11-29T10:00:00Z",
            "former": True,
            "drift": [
                {"path": PATH, "what": "content changed", "diff": ["-a", "+b"]},
                {"unit": "postfix.service", "what": "not active"},
            ],
        },
        "redis": {"applied": "2026-11-29T10:00:00Z", "former": False, "drift": []},
    },
}


def test_a_path_stays_whole_at_80_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for line in lines_of_agent("production", "mx1", STATUS):
        show(line)
    lines = capsys.readouterr().out.split("\n")
    assert f"  * {PATH}: content changed" in lines
    assert "  * postfix.service: not active" in lines
    table = [line.split() for line in lines if line.startswith(("postfix ", "redis "))]
    assert [row[-2:] for row in table] == [["possible", "yes"], ["state", "no"]]


def test_a_pipe_gets_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    piped = io.StringIO()
    monkeypatch.setattr(sys, "stdout", piped)
    words = " ".join(["word"] * 100)
    status = STATUS | {"failed": {"redis": words}}
    for line in lines_of_agent("production", "mx1", status):
        show(line)
    assert f"redis: the change of {words} failed and was undone; the log" in piped.getvalue()
