"""What `mx run` makes of a host's words."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from components.settings.stack_file import settings_of
from tools.mx import hosts


def test_a_carriage_return_in_a_hosts_words_begins_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    said = b"host mx1 0\nout\tReading 1%\rReading 100%\rhost mx2 0\nerr\t\n"
    monkeypatch.setattr(
        subprocess, "run", lambda argv, **_: subprocess.CompletedProcess(argv, 0, said, b"")
    )
    answers: Any = hosts.run(settings_of("production"), [], "true")
    assert answers == {"mx1": (0, "Reading 1%\rReading 100%\rhost mx2 0", "")}
