"""Recipients in a file beside the stack file: what is read, and faults with file and line."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from components.services.database import component as database
from components.settings import given_files, recipient_files
from components.settings.environment import Settings, SettingsError, from_mapping
from tests.support.mapping import mapping


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(given_files, "BASE", tmp_path)
    return tmp_path


def settings(**domain: Any) -> Settings:
    values = mapping() | {"postfix": {"recipientDelimiter": "+="}}
    values["domains"]["example.test"] = {"mailboxHost": "mailbox1", **domain}
    return from_mapping(values)


def test_a_file_is_counted_and_its_rows_stay_out_of_the_manifest(base: Path) -> None:
    text = "# staff\n\nbob\n carol \n"
    (base / "list.txt").write_text(text)
    wanted = settings(recipientsFile="list.txt")
    (file,) = recipient_files.read_recipients(wanted).values()
    assert file.rows == ("bob", "carol")
    assert file.sha256 == hashlib.sha256(text.encode()).hexdigest()
    manifest = database.content(wanted, "mx1", "me", recipient_files.read_recipients(wanted)).text()
    assert file.sha256 in manifest
    assert "carol" not in manifest


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bob\nBob\n", r"list\.txt:2: not a local part"),
        ("bob\nbob@example.test\n", r"list\.txt:2: not a local part"),
        ("# staff\n\n", r"list\.txt: the file has no local part"),
        ("bob\n\nbob\n", r"list\.txt:3: bob is already in line 1"),
        ("alice\n", r"list\.txt: alice is also in recipients or aliases of domains\.example\.test"),
        ("bob=x\n", r"list\.txt: bob=x contains the recipient delimiter"),
        ("B\n" * 12, r"list\.txt: and 2 more"),
    ],
)
def test_faults(base: Path, text: str, words: str) -> None:
    (base / "list.txt").write_text(text)
    with pytest.raises(SettingsError, match=words):
        recipient_files.read_recipients(settings(recipients=["alice"], recipientsFile="list.txt"))


def test_a_missing_file_and_one_that_is_no_text(base: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.txt: cannot be read: No such file"):
        recipient_files.read_recipients(settings(recipientsFile="none.txt"))
    (base / "list.gz").write_bytes(b"\x1f\x8b\xff")
    with pytest.raises(SettingsError, match=r"list\.gz: the file is not UTF-8"):
        recipient_files.read_recipients(settings(recipientsFile="list.gz"))


def test_an_alias_to_nobody_in_the_file(base: Path) -> None:
    (base / "list.txt").write_text("bob\n")
    values = {"recipientsFile": "list.txt", "aliases": {"info": ["bob@example.test"]}}
    recipient_files.read_recipients(settings(**values))
    values["aliases"] = {"info": ["bill@example.test"]}
    with pytest.raises(
        SettingsError, match=r"aliases\.info\[0\]: no mail reaches bill@example\.test"
    ):
        recipient_files.read_recipients(settings(**values))
