"""Plug-ins as `pulumi plugin install` leaves them, where the vendor's can be downloaded."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from components.settings.stack_file import settings_of
from lab import environment
from lab.cloudflare_api.app import SCOPES
from lab.cloudflare_api.state import Api
from lab.environment import PLUGIN_VERSIONS, STAND_INS, engine_folder
from tests.support.serving import serving

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


@pytest.fixture
def no_vendors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache with an engine, and without plug-ins."""
    engine = tmp_path / "cache/mx/engine"
    engine.mkdir(parents=True)
    (engine / environment.ENGINE_VERSION).symlink_to(engine_folder())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("MX_LAB_PLUGINS", "installed")


def test_preview_with_stand_ins_that_are_installed_as_the_vendors_are(
    no_vendors: None, tmp_path: Path
) -> None:
    project = Project(tmp_path)
    assert not [path for path in (tmp_path / "stand-ins").iterdir() if "resource" in path.name]
    project.init("staging")
    zones = settings_of("staging").dns.zones
    with serving(Api(tmp_path / "api.json", zones, {"t" * 40: SCOPES})) as url:
        project.environment["CLOUDFLARE_BASE_URL"] = url
        steps = project.preview("staging")
    kinds = {step["newState"]["type"] for step in steps if step["op"] == "create"}
    assert {"command:remote:Command", "cloudflare:index/dnsRecord:DnsRecord"} <= kinds
    listed = json.loads(project.run("plugin", "ls", "--json").stdout)
    assert {item["name"]: item["version"] for item in listed} == PLUGIN_VERSIONS
    # A second time there is nothing to install.
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "home/plugins").rglob("*")}
    environment.make_home(tmp_path / "home", tmp_path / "stand-ins")
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "home/plugins").rglob("*")}
    assert after == before


def test_unknown_place_of_the_plug_ins_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MX_LAB_PLUGINS", "instaled")
    with pytest.raises(SystemExit, match="MX_LAB_PLUGINS=instaled: expected `installed`"):
        environment.make_home(tmp_path / "home", tmp_path / "stand-ins")
