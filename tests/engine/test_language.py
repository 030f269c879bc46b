"""The stand-in of the language host: a small program through the real engine."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.environment import make_home, plugin_path, state_url

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os
import pulumi
import pulumi_command as command
import helper

config = pulumi.Config()
if config.get("fail"):
    raise pulumi.RunError("no such luck")
first = command.local.Command("first", create="cat", stdin=helper.TEXT, delete="echo > gone")
command.local.Command("second", create="cat", stdin=first.stdout)
pulumi.export("first", first.stdout)
pulumi.export("run", command.local.run_output(command="echo run").stdout)
pulumi.export("here", os.path.basename(os.getcwd()))
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "program"
    folder.mkdir()
    options = "{toolchain: pip, virtualenv: .venv}"
    (folder / "Pulumi.yaml").write_text(
        f"name: small\nruntime: {{name: python, options: {options}}}\n"
    )
    (folder / ".venv").symlink_to(ROOT / ".venv")
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "helper.py").write_text("TEXT = 'one'\n")
    return folder


@pytest.fixture
def pulumi(folder: Path, tmp_path: Path) -> Run:
    (tmp_path / "backend").mkdir()
    make_home(tmp_path / "home", tmp_path / "stand-ins")
    environment = os.environ | {
        "PATH": plugin_path(tmp_path / "stand-ins"),
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": state_url(tmp_path / "backend"),
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }

    def run(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if code == 0:
            assert done.returncode == 0, done.stdout + done.stderr
        else:
            assert done.returncode != 0, done.stdout + done.stderr
        return done

    run("stack", "init", "dev")
    return run


def test_state_has_no_file_of_attributes_that_a_killed_engine_leaves_empty(
    pulumi: Run, tmp_path: Path
) -> None:
    [state] = (tmp_path / "backend").rglob("dev.json")
    attributes = state.with_name("dev.json.attrs")
    assert not attributes.exists()
    attributes.touch()
    assert "failed to load checkpoint: EOF" in pulumi("stack", code=1).stderr
    attributes.unlink()
    pulumi("stack")


def test_up_preview_destroy(pulumi: Run, folder: Path) -> None:
    pulumi("preview")
    pulumi("up", "--yes")
    outputs = json.loads(pulumi("stack", "output", "--json").stdout)
    assert outputs == {"first": "one", "run": "run", "here": "program"}
    pulumi("preview", "--expect-no-changes")
    (folder / "helper.py").write_text("TEXT = 'two'\n")
    steps = json.loads(pulumi("preview", "--json").stdout)["steps"]
    changes = {step["urn"].split("::")[-1]: step["op"] for step in steps}
    assert changes["first"] == changes["second"] == "update"
    pulumi("up", "--yes")
    assert json.loads(pulumi("stack", "output", "--json").stdout)["first"] == "two"
    pulumi("refresh", "--yes", "--expect-no-changes")
    pulumi("destroy", "--yes")
    assert (folder / "gone").exists()


def test_a_run_error_is_its_message_only(pulumi: Run) -> None:
    pulumi("config", "set", "fail", "1")
    text = pulumi("preview", code=1).stdout
    assert "error: no such luck" in text
    assert "Traceback" not in text


def test_another_error_is_shown_with_its_place(pulumi: Run, folder: Path) -> None:
    (folder / "__main__.py").write_text("raise ValueError('odd')\n")
    text = pulumi("preview", code=1).stdout
    assert "ValueError: odd" in text
    assert "__main__.py" in text


def test_a_failed_command_is_an_error_of_the_update(pulumi: Run, folder: Path) -> None:
    (folder / "__main__.py").write_text(
        "import pulumi_command as c\nc.local.Command('x', create='echo no; exit 9')\n"
    )
    text = pulumi("up", "--yes", code=1).stdout
    assert 'exit status 9: running "echo no; exit 9"' in text
