"""Texts of hosts, clients and settings end their lines at newlines, nowhere else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.stacks import ROOT

# Where a line more is the safe side.
EXCEPTIONS = {
    "components/agent/redaction.py": "what is found of a secret is hidden, in parts as well",
}
PROGRAMS = sorted(path for top in ("components", "tools") for path in (ROOT / top).rglob("*.py"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_line_ends_at_a_separator_of_unicode(path: Path) -> None:
    """str.splitlines() also splits at U+2028, U+0085, form feeds and others.

    A client who writes one into an address broke the metrics so, and a host spoke for another.
    """
    calls = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "splitlines"
    ]
    if str(path.relative_to(ROOT)) in EXCEPTIONS:
        assert calls, "take its row out of EXCEPTIONS"
    else:
        assert not calls, f'lines {calls}: use split("\\n")'
