"""Runs the engine (`pulumi`) as the stack needs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from components.settings import engine_yaml

from . import access
from .console import tell

ROOT = Path(__file__).resolve().parents[2]
# The engine and its SDK are released together; requirements.lock pins the SDK.
VERSION = version("pulumi")
# Most steps wait for a host or the API; the engine's own default is four a processor. A host drops
# logins when more than ten come at once (MaxStartups, sshd_config(5)).
PARALLEL = "16"
# The engine logs every property of every resource: 212 MB an hour with its default of 500 MB.
_LOG_MEGABYTES = "20"


def install() -> None:
    """Get the engine unless it is there; a line on stderr tells what is done.

    The lab's plug-ins are left to scripts/up: your own engine gets its plug-ins by itself. Raises
    subprocess.CalledProcessError when something is missing.
    """
    subprocess.run([ROOT / "scripts" / "install", "engine"], stdout=2, check=True)


def folder() -> Path | None:
    """The folder of the engine that scripts/install takes; None when there is none yet."""
    done = subprocess.run(
        [ROOT / "scripts" / "install", "path"], capture_output=True, text=True, check=False
    )
    found = done.stdout.strip()
    return Path(found) if done.returncode == 0 and found else None


def environment(stack: str) -> dict[str, str]:
    """The environment of the engine: the lab's own, or the user's with the pinned engine first."""
    if stack == "lab":
        return _of_the_lab()
    found = dict(os.environ)
    taken = folder()
    if taken is not None:
        other = shutil.which("pulumi")
        if other and Path(other).resolve() != (taken / "pulumi").resolve():
            _not_used(other, taken)
        found["PATH"] = f"{taken}:{found.get('PATH', os.defpath)}"
    for name, value in access.read(stack).items():
        if name != "PULUMI_CONFIG_PASSPHRASE_FILE" or "PULUMI_CONFIG_PASSPHRASE" not in found:
            found.setdefault(name, value)
    found.setdefault("PULUMI_SKIP_UPDATE_CHECK", "true")
    found.setdefault("PULUMI_PARALLEL", PARALLEL)
    found.setdefault("PULUMI_LOG_ROTATION_MAX_TOTAL_MB", _LOG_MEGABYTES)
    return found


@cache
def _not_used(other: str, taken: Path) -> None:
    tell(f"{other} is not used: mx runs the engine in {taken}")


def outside(stack: str | None) -> dict[str, str]:
    """Options for a look from outside: the lab has a resolver and an authority of its own."""
    if stack != "lab":
        return {}
    found = _of_the_lab()
    return {"resolver": found["MX_LAB_RESOLVER"], "ca_file": found["MX_LAB_AUTHORITIES"]}


def _of_the_lab() -> dict[str, str]:
    """The environment that `scripts/lab env` prints as lines for a shell."""
    printed = subprocess.run(
        ["bash", "-c", 'eval "$(scripts/lab env)" && env -0'],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return dict(entry.split("=", 1) for entry in printed.split("\0") if "=" in entry)


def call(
    stack: str, arguments: list[str], environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `pulumi ARGUMENTS` for the stack and return what the engine printed."""
    return subprocess.run(
        ["pulumi", *arguments, "--stack", stack],
        cwd=ROOT,
        env=environ or environment(stack),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def script(name: str, *arguments: str, stack: str | None = None) -> int:
    """Run scripts/NAME and return its exit code; `stack`: the script runs the engine for it."""
    environ = environment(stack) if stack else None
    return subprocess.run(
        [ROOT / "scripts" / name, *arguments], env=environ, check=False
    ).returncode


def project() -> str:
    """The name of the Pulumi project, which the state of every stack is filed under."""
    found = engine_yaml.load((ROOT / "Pulumi.yaml").read_text())
    return str(found["name"]) if isinstance(found, dict) else ""


def product_version() -> str:
    """The version of MX: pyproject.toml is the one place that has it."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])
