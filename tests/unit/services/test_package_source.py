"""The program that looks at an apt repository besides Debian's own."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from components.services.spam_filter import source
from tests.support.programs import host_program
from tests.support.stacks import ROOT

FILE = ROOT / "components/services/spam_filter/files" / source.PROGRAM.lstrip("/")
TARGETS = f"""\
/etc/apt/sources.list:1 http://mirror.example.test/debian
{source.SOURCES}:2 https://apt.example.test/rspamd/
/etc/apt/sources.list.d/b.sources:1 http://APT.example.test:8080/debian
"""
MADISON = """\
    rspamd |   4.1.5-1 | https://apt.example.test/rspamd trixie/main amd64 Packages
    rspamd |  3.12.1-1 | http://mirror.example.test/debian trixie/main amd64 Packages
"""


@pytest.fixture(scope="module")
def program() -> Any:
    return host_program(FILE)


def test_other_entry_with_the_same_server_is_named(program: Any) -> None:
    named = program.others(TARGETS, "apt.example.test", source.SOURCES)
    assert named == ["/etc/apt/sources.list.d/b.sources:1"]
    assert program.others(TARGETS, "x.example.test", source.SOURCES) == []


@pytest.mark.parametrize("end", ["", "/"])
def test_versions_are_those_of_the_repository(program: Any, end: str) -> None:
    assert program.offered(MADISON, f"https://apt.example.test/rspamd{end}") == ["4.1.5-1"]
    assert program.offered(MADISON, f"https://apt.example.test/rspam{end}") == []
    assert program.offered("", f"https://apt.example.test/rspamd{end}") == []


def test_fetch_waits_while_another_apt_has_the_lists(
    program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(
        [
            (100, "", "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7"),
            (0, "", ""),
            (0, MADISON, ""),
        ]
    )

    def run(*argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(argv, *next(answers))

    monkeypatch.setattr(program, "_run", run)
    monkeypatch.setattr(program.time, "sleep", lambda seconds: None)
    assert program.fetch("https://apt.example.test/rspamd", source.SOURCES, "rspamd") == ""


def test_repository_without_the_package_is_refused(
    program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(program, "_run", lambda *argv: done)
    words = program.fetch("https://apt.example.test/rspamd", source.SOURCES, "rspamd")
    assert words.startswith("the repository of spamFilter.source has no package rspamd")
