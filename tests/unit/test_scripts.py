"""Scripts that need no engine put none on the machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
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
    script, *arguments = CALLS[name]
    if name == "render":
        arguments.append(str(tmp_path / "files"))
    done = subprocess.run(
        [ROOT / "scripts" / script, *arguments],
        env=os.environ | {"PATH": f"{tools}:/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not (tmp_path / "called").exists()
    assert "install:" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
