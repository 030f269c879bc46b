"""The lab with the stack applied, once for all tests of this ring."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import container, topology

ROOT = Path(__file__).parents[2]
MX1, MX2 = "198.18.77.11", "198.18.77.12"

Ssh = Callable[[str, str], str]


def eventually(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Poll until it is true, or fail after these seconds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "did not become true in time"
        time.sleep(0.05)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes the stack from the hosts comes last: another `up` from bare is spared."""
    items.sort(key=lambda item: "leaves_bare" in item.keywords)


@pytest.fixture(scope="session")
def lab() -> dict[str, str]:
    """Boot the lab, `pulumi up`; the environment for further calls of pulumi."""
    assert os.geteuid() == 0, "the host ring needs root"
    done = subprocess.run(
        ["scripts/up", "lab"], cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    printed = subprocess.run(
        ["bash", "-c", 'eval "$(scripts/lab env)"; env -0'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split("=", 1) for line in printed.stdout.split("\0") if "=" in line)


@pytest.fixture(scope="session")
def ssh(lab: dict[str, str]) -> Ssh:
    """Run a shell command on a lab host, as root, and return its output.

    Not by SSH, whose logins some tests count, and which takes ten times as long.
    """

    def run(host: str, command: str) -> str:
        return container.inside(topology.host(host), ["timeout", "120", "bash", "-c", command])

    return run


@pytest.fixture(scope="session")
def pulumi(lab: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Call pulumi on the lab's stack."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *arguments, "--stack", "lab", "--non-interactive"],
            cwd=ROOT,
            env=lab,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return run
