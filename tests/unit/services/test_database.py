"""The program that keeps the database: what it refuses before it asks MariaDB anything."""

from __future__ import annotations

import hashlib
import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs import host_program
from tests.support.stacks import ROOT

FILES = ROOT / "components/services/database/files"


@pytest.fixture(scope="module")
def program() -> Any:
    """The program, loaded where Debian's python3-pymysql is not installed."""
    fake: Any = types.ModuleType("pymysql")
    fake.MySQLError = type("MySQLError", (Exception,), {})
    constants: Any = types.ModuleType("pymysql.constants")
    constants.CLIENT = None
    cursors: Any = types.ModuleType("pymysql.cursors")
    cursors.SSCursor = None
    path = FILES / "usr/local/lib/mx/mail_database.py"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pymysql", fake)
        patch.setitem(sys.modules, "pymysql.constants", constants)
        patch.setitem(sys.modules, "pymysql.cursors", cursors)
        return host_program(path)


def test_own_migrations_are_numbered_and_quote_no_name(program: Any) -> None:
    found = program.read_migrations(FILES / "schema")
    assert [migration.name[:4] for migration in found] == ["0001", "0002", "0003"]
    # A reserved word as a name would have to be quoted, or MariaDB refuses the migration.
    assert not [migration.name for migration in found if "`" in migration.text]
    assert all("utf8mb4" in migration.text for migration in found)


def test_a_gap_in_the_numbers_is_refused(program: Any, tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("SELECT 1;")
    (tmp_path / "0003_b.sql").write_text("SELECT 1;")
    with pytest.raises(program.Refused, match=r"migration 0003_b\.sql: .* begins with 0002_"):
        program.read_migrations(tmp_path)


def content(directory: Path, program: Any, files: dict[str, Any]) -> None:
    (directory / "content").mkdir()
    for table in program.TABLES:
        (directory / "content" / table).write_text("")
    (directory / "content/recipient").write_text("example.test\talice\n")
    (directory / "content/recipient_files.json").write_text(json.dumps(files))


def test_rows_of_an_uploaded_file(
    program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "UPLOADS", tmp_path)
    text = "# who\n\nbob\n carol \n"
    (tmp_path / "list").write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    content(tmp_path, program, {"example.org": {"upload": "list", "sha256": digest}})
    assert program.read_content(tmp_path)["recipient"] == [
        ("example.test", "alice"),
        ("example.org", "bob"),
        ("example.org", "carol"),
    ]
    (tmp_path / "list").write_text(text + "dave\n")
    with pytest.raises(program.Refused, match="is not the file of the settings"):
        program.read_content(tmp_path)


def test_rows_that_differ(program: Any) -> None:
    assert list(program._diff("t", {("a",), ("b",)}, [("a",), ("b",)])) == []
    told = list(program._diff("t", {("a",), ("b", "1")}, [("b", "2"), ("a",)]))
    assert told == ["-t b 1", "+t b 2"]
    many = [(f"{number:03}",) for number in range(program.SHOWN + 5)]
    told = list(program._diff("t", set(), iter(many)))
    assert told[0] == "+t 000"
    assert told[program.SHOWN :] == ["+t [... 5 more]"]


def test_batches(program: Any) -> None:
    rows = [(str(number),) for number in range(program.BATCH + 1)]
    assert [len(batch) for batch in program.batches(rows)] == [program.BATCH, 1]
