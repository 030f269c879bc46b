"""Messages of `mx` on a terminal of 80 columns, and in a pipe."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from rich.table import Table

from tools.mx import console
from tools.mx.app import run

LONG = (
    "hosts.mx1.ipv4: 198.51.100.7 is for documentation (RFC 5737), and no sender on the Internet "
    "can reach it; give the host's public address"
)


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)


def test_message_longer_than_the_terminal_is_folded_between_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_terminal(monkeypatch)
    console.tell(LONG)
    console.say(LONG)
    out, err = capsys.readouterr()
    for text in (out, err):
        assert max(map(len, text.splitlines())) <= 80
    assert " ".join(err.split()) == f"mx: {LONG}"
    assert " ".join(out.split()) == LONG


def test_folding_keeps_what_is_copied_and_what_is_indented(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_terminal(monkeypatch)
    url = f"https://example.test/{'a' * 90}"
    console.say(f"Compare them:\n  ssh-keygen -lf FILE\n\nSee {url}")
    assert capsys.readouterr().out == (f"Compare them:\n  ssh-keygen -lf FILE\n\nSee\n  {url}\n")


def test_findings_of_an_audit_are_folded_and_keep_their_indent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "main.cf").write_text(
        "milter_default_action = tempfail\nsmtpd_milters = inet:[::1]:9\n"
    )
    monkeypatch.chdir(tmp_path)
    assert run(["audit", "main.cf"]) == 2
    whole = capsys.readouterr().out
    assert max(map(len, whole.splitlines())) > 80
    on_a_terminal(monkeypatch)
    assert run(["audit", "main.cf"]) == 2
    folded = capsys.readouterr().out
    assert max(map(len, folded.splitlines())) <= 80
    assert folded.split() == whole.split()
    assert "\n      " in folded


def test_message_in_a_pipe_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    console.tell(LONG)
    assert capsys.readouterr().err == f"mx: {LONG}\n"


def test_coloured_titles_of_a_table_end_without_blanks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_terminal(monkeypatch)
    monkeypatch.setenv("FORCE_COLOR", "1")
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("host")
    table.add_row("mx1.example.org")
    console.show(table)
    title, row = capsys.readouterr().out.splitlines()
    assert "\x1b[2m" in title
    assert re.sub(r"\x1b\[[0-9;]*m", "", title) == "host"
    assert row == "mx1.example.org"


@pytest.mark.parametrize(
    ("answers", "expected"), [("y\n", True), ("\n", False), ("x\nNO\n", False)]
)
def test_question_takes_yes_and_no_and_names_them_for_other_answers(
    answers: str,
    expected: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
    assert console.agreed("Go on?") is expected
    assert ("answer y or n" in capsys.readouterr().err) is answers.startswith("x")
