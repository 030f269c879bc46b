"""scripts/render: what a host would get, and a line for what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import render as rendered


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["render", *arguments])
    return rendered.main()


def test_main_cf_stands_whole_beside_its_sections(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert call(monkeypatch, "production", "mx1", str(tmp_path)) == 0
    whole = (tmp_path / "etc/postfix/main.cf").read_text()
    sections = sorted((tmp_path / "etc/postfix/main.cf.d").iterdir())
    assert [each.read_text() in whole for each in sections] == [True] * len(sections)
    assert "smtpd_tls_chain_files" in whole


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere", "mx1"), "render: stacks/Pulumi.nowhere.yaml: No such file or directory"),
        (
            ("production", "mx9"),
            "render: stacks/Pulumi.production.yaml: there is no host mx9; the hosts are mx1, mx2",
        ),
    ],
)
def test_wrong_stack_or_host_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, str],
    words: str,
) -> None:
    assert call(monkeypatch, *arguments, str(tmp_path)) == 1
    assert capsys.readouterr().err.strip() == words


def test_a_directory_that_cannot_be_written_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "etc").write_text("")
    assert call(monkeypatch, "production", "mx1", str(tmp_path)) == 1
    line = capsys.readouterr().err.strip()
    assert line.startswith(f"render: {tmp_path}/etc")
    assert line.endswith(": Not a directory")
