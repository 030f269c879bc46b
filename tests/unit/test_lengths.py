"""Files and functions stay short, one idea each; what is longer is named here with its reason."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.stacks import ROOT

FILE_LINES, FUNCTION_LINES = 250, 80
EXCEPTIONS = {
    "components/services/database/files/usr/local/lib/mx/mail_database.py": (
        "a program on the host; its rows, their swap and their record are one transaction"
    ),
}
MOST_EXCEPTIONS = 5
PROGRAMS = sorted(
    path for folder in ("components", "tools", "lab") for path in (ROOT / folder).rglob("*.py")
)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_and_its_functions_are_short(path: Path) -> None:
    text, name = path.read_text(), str(path.relative_to(ROOT))
    longer = []
    if len(text.splitlines()) > FILE_LINES:
        longer.append(f"{name}: {len(text.splitlines())} lines")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                longer.append(f"{name}: {node.name}: {lines} lines")
    if name in EXCEPTIONS:
        assert longer, f"{name} is short by now: take its row out of EXCEPTIONS"
    else:
        assert not longer, f"{longer}: split what has two ideas (CONTRIBUTING.md)"


def test_exceptions_are_few_and_there() -> None:
    assert len(EXCEPTIONS) <= MOST_EXCEPTIONS
    assert all((ROOT / name).exists() for name in EXCEPTIONS)
