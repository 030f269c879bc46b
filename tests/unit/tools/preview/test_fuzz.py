"""Hostile text in every part of a report: a seeded sample of tests/long/fuzz-reports."""

from __future__ import annotations

import pytest

from tests.long.fuzz import reports
from tools.preview import markdown
from tools.preview.text import plain


def test_no_text_is_markup_or_a_line_of_a_diff() -> None:
    assert reports.run(seed=3, count=300) == []


# Each broke a report: the part, and the text.
BROKE = {
    "a backslash before a link": ("risk", r"\[x\](http://evil.test)"),
    "a number of an issue": ("why", "#1"),
    "an end of line and a heading": ("risk", "a\n# b"),
    "blanks that make code": ("note", "    code"),
    "struck out": ("path that drifted", "~~s~~"),
    "a unit that ends its code": ("unit", "`<script>alert(1)</script>"),
    "half of a character": ("unit", "\ud800"),
    "an image in a host's name": ("host that leaves", "![i](http://evil.test/i.png)"),
    "an operation that is a link": ("operation", "www.evil.test"),
    "a path that is a line of a diff": ("path that drifted", "-1. x"),
    "a tag character": ("component", "\U000e0041"),
    "an end of line in a record": ("record", "a\n+mynetworks = 0.0.0.0/0"),
    "a tab before what looks like a line of a diff": (
        "line of a file",
        "\u200b:+1: \t\n@@ -1 +1 @@ ",
    ),
    "an end of line in a warning": ("warning", "a\n+mynetworks = 0.0.0.0/0"),
}


@pytest.mark.parametrize("case", BROKE)
def test_a_text_that_broke_a_report_is_shown_as_it_is(case: str) -> None:
    part, text = BROKE[case]
    assert list(reports.bad(part, text)) == []


def test_words_of_a_server_add_no_line_to_status() -> None:
    assert list(reports.findings("220 mx\nfault: example.test: x\u2028\x1b[2K")) == []


def test_markup_that_is_left_in_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "plain", str)
    for text in ("<img src=x>", "[l](http://evil.test)", "# h", "@octocat", "www.evil.test"):
        assert list(reports.bad("risk", text)), text


def test_honest_text_reads_as_it_was() -> None:
    assert plain("mx1 leaves: 2 domains, see docs") == "mx1 leaves: 2 domains, see docs"
