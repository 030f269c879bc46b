"""A preview with a state that it may read and not write, as the preview environment of a forge."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .conftest import Project

pytestmark = pytest.mark.engine

_PROGRAM = 'import pulumi\n\npulumi.export("a", pulumi.Output.secret("hunter2"))\n'
# As another user it could be the folder's mode; root is kept off by a mount of its own.
_READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'


def test_a_preview_writes_no_state_and_an_up_ends_at_its_lock(
    project: Project, tmp_path: Path
) -> None:
    (project.folder / "__main__.py").write_text(_PROGRAM)
    stack = project.folder / "stacks" / "Pulumi.only.yaml"
    stack.write_text("config: {}\n")
    assert project.run("stack", "init", "only").returncode == 0
    made = project.run("up", "--yes", "--stack", "only")
    assert made.returncode == 0, made.stderr
    backend = tmp_path / "backend"
    before = _content(backend)

    def kept_off(*arguments: str) -> subprocess.CompletedProcess[str]:
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        call = ["sh", "-c", _READ_ONLY, "sh", str(backend), "pulumi", *arguments]
        return subprocess.run(
            ["unshare", "--mount", *user, *call, "--stack", "only", "--non-interactive"],
            cwd=project.folder,
            env=project.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    (project.folder / "__main__.py").write_text(_PROGRAM + 'pulumi.export("b", "new")\n')
    preview = kept_off("preview", "--refresh")
    assert preview.returncode == 0, preview.stderr
    assert "+ b" in preview.stdout
    up = kept_off("up", "--yes")
    assert up.returncode != 0
    assert "read-only file system" in up.stdout + up.stderr
    assert _content(backend) == before


def _content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
