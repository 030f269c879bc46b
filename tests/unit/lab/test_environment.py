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
    assert not list(tmp_path.iterdir())
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
    assert not list(tmp_path.iterdir()), "printing the environment changes nothing"
    environment.prepare()
    assert (tmp_path / "home").is_dir()
    assert (tmp_path / "state").is_dir()


def test_missing_programs_are_named_with_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.checks.os.geteuid", lambda: 1000)
    monkeypatch.setattr("lab.checks.shutil.which", lambda *_, **__: None)
    lines = checks.missing()
    assert "systemd-nspawn is missing: apt-get install systemd-container" in lines
    assert any("not root" in line for line in lines)


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A folder with the vendor's plug-in command, as `pulumi plugin install` leaves it."""
    folder = tmp_path / "plugins" / "resource-command-v1.2.1"
    folder.mkdir(parents=True)
    (folder / "pulumi-resource-command").touch()
    folder.with_name(f"{folder.name}.lock").touch()
    return folder.parent


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_vendor_plugins_are_taken_where_they_are(plugins: Path, tmp_path: Path) -> None:
    engine, home, folder = tmp_path / "engine", tmp_path / "home", tmp_path / "stand-ins"
    engine.mkdir()
    (engine / "pulumi-language-python").touch()
    environment.stand_ins(engine, plugins, folder)
    assert names(folder) == ["pulumi-resource-cloudflare"]
    for _ in range(2):
        environment.show_plugins(plugins, home)
    # The engine passes over links to folders, and sees no plug-in in a lock file.
    assert names(home / "plugins") == ["resource-command-v1.2.1"]
    shown = home / "plugins" / "resource-command-v1.2.1"
    assert not shown.is_symlink()
    assert (shown / "pulumi-resource-command").exists()


def test_link_of_a_former_version_becomes_a_folder(plugins: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "plugins").mkdir(parents=True)
    shown = home / "plugins" / "resource-command-v1.2.1"
    shown.symlink_to(plugins / shown.name)
    environment.show_plugins(plugins, home)
    assert not shown.is_symlink()
    assert (shown / "pulumi-resource-command").exists()


@pytest.mark.parametrize("state", ["half-installed", "another version", "a stray lock"])
def test_plugin_that_is_not_the_wanted_one_has_its_stand_in(
    state: str, plugins: Path, tmp_path: Path
) -> None:
    folder = plugins / "resource-command-v1.2.1"
    if state == "half-installed":
        folder.with_name(f"{folder.name}.partial").touch()
    elif state == "another version":
        folder.rename(plugins / "resource-command-v1.2.0")
    else:
        (folder / "pulumi-resource-command").unlink()
        folder.rmdir()
    environment.stand_ins(tmp_path, plugins, tmp_path / "stand-ins")
    assert "pulumi-resource-command" in names(tmp_path / "stand-ins")


def test_no_stand_in_stays_on_path_beside_the_vendors(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An engine takes a plug-in on PATH before an installed one."""
    monkeypatch.setenv("PATH", f"{environment.STAND_INS}:/usr/bin")
    path = environment.plugin_path(tmp_path / "stand-ins").split(":")
    assert str(environment.STAND_INS) not in path
    assert path[0] == str(tmp_path / "stand-ins")


def test_the_command_line_writes_no_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PULUMI_HOME", "PULUMI_STATE"):
        monkeypatch.setattr(environment, name, tmp_path / name)
    monkeypatch.setattr(environment, "STATE", tmp_path)
    (tmp_path / "PULUMI_HOME/logs").mkdir(parents=True)
    (tmp_path / "PULUMI_HOME/logs/one").touch()
    for _ in range(2):
        environment.prepare()
        assert (tmp_path / "PULUMI_HOME/logs").readlink() == Path("/dev/null")
