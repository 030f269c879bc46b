"""Scripts that need no engine put none on the machine, and run with next to no environment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.stacks import ROOT

CALLS = {
    "render": ["render", "production", "mx1"],
    "status": ["status", "--help"],
    "rollback": ["rollback", "nowhere", "mx1"],
    "comment": ["comment", "no-such-report"],
    "lab": ["lab", "--help"],
}


@pytest.mark.parametrize("name", CALLS)
def test_neither_downloads_nor_builds_the_engine(name: str, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("go", "curl"):
        (tools / tool).write_text(f'#!/bin/sh\necho "{tool} $*" >>"{tmp_path}/called"\nexit 1\n')
        (tools / tool).chmod(0o755)
    path = f"{tools}:/usr/bin:/bin"
    done = call(name, tmp_path, os.environ | {"PATH": path, "XDG_CACHE_HOME": str(tmp_path)})
    assert not (tmp_path / "called").exists()
    assert "install:" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", CALLS)
def test_run_without_a_home(name: str, tmp_path: Path) -> None:
    done = call(name, tmp_path, {"PATH": "/usr/bin:/bin"})
    assert "unbound variable" not in done.stderr
    assert done.returncode in (0, 1, 64), done.stderr


def call(name: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    script, *arguments = CALLS[name]
    if name == "render":
        arguments.append(str(folder / "files"))
    return subprocess.run(
        [ROOT / "scripts" / script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
