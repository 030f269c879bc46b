"""SECURITY.md names code and tests that exist."""

from __future__ import annotations

import re

from tests.support.stacks import ROOT


def test_every_file_that_the_page_names_exists() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    named = set(re.findall(r"\b(?:components|docs|tests|tools)/[\w./-]*\w", text))
    assert len(named) > 20
    assert sorted(name for name in named if not (ROOT / name).exists()) == []
