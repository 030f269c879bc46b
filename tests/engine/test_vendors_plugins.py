"""Plug-ins as `pulumi plugin install` leaves them, where the vendor's can be downloaded."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from lab import environment
from lab.environment import PLUGIN_VERSIONS, STAND_INS, engine_folder

from .conftest import Project

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi_command as command

command.local.Command("one", create="echo one")
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with the plug-in command in it, which notes that it was started."""
    cache = tmp_path / "cache" / "mx"
    (cache / "engine").mkdir(parents=True)
    (cache / "engine" / environment.ENGINE_VERSION).symlink_to(engine_folder())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    program = tmp_path / "pulumi-resource-command"
    stand_in = STAND_INS / program.name
    started = tmp_path / "started"
    program.write_text(f'#!/bin/sh\necho >"{started}"\nexec "{stand_in}" "$@"\n')
    program.chmod(0o755)
    archive = tmp_path / "plugin.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(program, program.name)
        tar.add(__file__, "README.md")
    words = ["resource", "command", PLUGIN_VERSIONS["command"], "--file", str(archive)]
    home = {"PULUMI_HOME": str(cache / "plugins"), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    pulumi = engine_folder() / "pulumi"
    subprocess.run([pulumi, "plugin", "install", *words], env=os.environ | home, check=True)
    return started


def test_installed_plug_in_is_taken_before_the_stand_in(installed: Path, project: Project) -> None:
    folder = f"resource-command-v{PLUGIN_VERSIONS['command']}"
    beside = {path.name for path in (installed.parent / "cache/mx/plugins/plugins").iterdir()}
    assert beside == {folder, f"{folder}.lock"}
    (project.folder / "__main__.py").write_text(PROGRAM)
    project.init("vendors")
    listed = json.loads(project.run("plugin", "ls", "--json").stdout)
    assert [(item["name"], item["version"]) for item in listed] == [
        ("command", PLUGIN_VERSIONS["command"])
    ]
    done = project.run("up", "--yes", "--skip-preview", "--stack", "vendors")
    assert done.returncode == 0, done.stdout + done.stderr
    assert installed.exists()
    assert "using pulumi-resource-command from $PATH" not in done.stdout + done.stderr
    assert "command 1.2.1: the vendor's, cloudflare 6.23.1: the stand-in's" in (
        environment.described()
    )
