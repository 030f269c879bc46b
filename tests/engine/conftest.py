"""A project copy with a file backend of its own, and the pulumi CLI to run on it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.environment import described, make_home, plugin_path, state_url

ROOT = Path(__file__).parents[2]
PRIVATE = "      privateAddresses: true\n"


def pytest_report_header() -> str:
    """Whose plug-ins this ring runs with."""
    return f"plug-ins: {described()}"


class Project:
    """The program in a folder of its own; `run` calls pulumi there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        for name in ("Pulumi.yaml", "__main__.py", "components", "stacks"):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, self.folder / name)
            else:
                shutil.copy(source, self.folder / name)
        for path in (self.folder / "stacks").glob("Pulumi.*.yaml"):
            # The addresses of the examples are documentation.
            text = path.read_text()
            if "privateAddresses" not in text:
                path.write_text(text.replace("    dns:\n", f"    dns:\n{PRIVATE}", 1))
        (self.folder / ".venv").symlink_to(ROOT / ".venv")
        backend = folder / "backend"
        backend.mkdir()
        make_home(folder / "home", folder / "stand-ins")
        self.environment = os.environ | {
            "PATH": plugin_path(folder / "stand-ins"),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": state_url(backend),
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "CLOUDFLARE_API_TOKEN": "t" * 40,
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call pulumi; the caller looks at the exit code."""
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def init(self, stack: str) -> None:
        """Make the stack, keeping its file's settings."""
        done = self.run("stack", "init", stack)
        assert done.returncode == 0, done.stderr

    def preview(self, stack: str) -> list[dict[str, Any]]:
        """The steps of `preview --json`."""
        done = self.run("preview", "--json", "--stack", stack)
        assert done.returncode == 0, done.stdout + done.stderr
        steps: list[dict[str, Any]] = json.loads(done.stdout)["steps"]
        return steps


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def edit(project: Project) -> Callable[[str, Callable[[str], str]], None]:
    """Change the text of a stack file."""

    def change(stack: str, how: Callable[[str], str]) -> None:
        path = project.folder / "stacks" / f"Pulumi.{stack}.yaml"
        text = path.read_text()
        changed = how(text)
        assert changed != text
        path.write_text(changed)

    return change
