"""The environment of the mx program, and what the lab checks first."""

import subprocess
from pathlib import Path

import pytest

from lab import checks, environment


def test_engine_comes_first_and_exports_are_shell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(environment, "PULUMI_HOME", tmp_path / "home")
    monkeypatch.setattr(environment, "PULUMI_STATE", tmp_path / "state")
    monkeypatch.setattr(environment, "STATE", tmp_path)
    variables = environment.environment()
    assert variables["PATH"].split(":")[0] == str(tmp_path / "stand-ins")
    assert variables["PULUMI_BACKEND_URL"] == f"file://{tmp_path / 'state'}?metadata=skip"
    shell = subprocess.run(
        ["sh", "-c", environment.exports() + 'printf %s "$PULUMI_HOME"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shell.stdout == str(tmp_path / "home")
    assert (tmp_path / "home").is_dir()


def test_missing_programs_are_named_with_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.checks.os.geteuid", lambda: 1000)
    monkeypatch.setattr("lab.checks.shutil.which", lambda *_, **__: None)
    lines = checks.missing()
    assert "systemd-nspawn is missing: apt-get install systemd-container" in lines
    assert any("not root" in line for line in lines)


def test_vendor_plugins_are_taken_where_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(environment, "PULUMI_HOME", tmp_path / "home")
    monkeypatch.setattr(environment, "STATE", tmp_path)
    (tmp_path / "home").mkdir()
    engine, plugins = tmp_path / "engine", tmp_path / "plugins"
    engine.mkdir()
    (engine / "pulumi-language-python").touch()
    (plugins / "resource-command-v1.2.1").mkdir(parents=True)
    folder = environment.stand_ins(engine, plugins)
    assert [path.name for path in folder.iterdir()] == ["pulumi-resource-cloudflare"]
    assert (tmp_path / "home/plugins/resource-command-v1.2.1").is_dir()


def test_the_command_line_writes_no_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PULUMI_HOME", "PULUMI_STATE"):
        monkeypatch.setattr(environment, name, tmp_path / name)
    monkeypatch.setattr(environment, "STATE", tmp_path)
    (tmp_path / "PULUMI_HOME/logs").mkdir(parents=True)
    (tmp_path / "PULUMI_HOME/logs/one").touch()
    for _ in range(2):
        environment.environment()
        assert (tmp_path / "PULUMI_HOME/logs").readlink() == Path("/dev/null")
