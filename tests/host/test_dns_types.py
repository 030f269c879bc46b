"""Every record type survives a second preview and a refresh; a key rolls without a gap."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.environment import state_url
from lab.topology import CLOUDFLARE_ZONES

from .conftest import ROOT
from .test_dns import records, served

pytestmark = pytest.mark.host

Run = Callable[..., subprocess.CompletedProcess[str]]
BASE_URL = "http://198.18.77.56/client/v4"
ZONE = CLOUDFLARE_ZONES["example3.test"]
TLSA = "_25._tcp.mx1.example3.test"
KEYS = {"ecdsa-a": "A1" * 32, "ecdsa-b": "B2" * 32, "rsa-a": "C3" * 32, "rsa-b": "D4" * 32}


@pytest.fixture
def run(lab: dict[str, str], tmp_path: Path) -> Iterator[Run]:
    """Call pulumi on a stack of its own at the lab's API double."""
    shutil.copytree(ROOT / "components", tmp_path / "components")
    shutil.copy(ROOT / "tests" / "host" / "dns_program.py", tmp_path / "__main__.py")
    project = "name: mx\nruntime: {name: python, options: {toolchain: pip, virtualenv: .venv}}\n"
    (tmp_path / "Pulumi.yaml").write_text(project)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "backend").mkdir()
    environment = os.environ | lab | {"PULUMI_BACKEND_URL": state_url(tmp_path / "backend")}

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *arguments, "--stack", "types", "--non-interactive"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    must(call, "stack", "init")
    must(call, "config", "set", "cloudflare:baseUrl", BASE_URL)
    yield call
    must(call, "destroy", "--yes", "--skip-preview")


def must(run: Run, *arguments: str) -> str:
    """What pulumi printed; it must have succeeded."""
    done = run(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def up(run: Run, keys: dict[str, str]) -> str:
    """Bring the stack up with these keys; what it printed."""
    for slot, digest in keys.items():
        must(run, "config", "set", "--path", f"mx:keys.{slot}", digest)
    return must(run, "up", "--yes", "--skip-preview")


def test_every_type_and_a_rollover(run: Run) -> None:
    up(run, KEYS)
    made = records(ZONE)
    kinds = {item["type"] for item in made.values()}
    assert kinds == {"A", "AAAA", "MX", "TXT", "CNAME", "CAA", "SSHFP", "TLSA"}
    assert served(TLSA, "TLSA") == sorted(f"3 1 1 {each.lower()}" for each in KEYS.values())
    assert served("_mta-sts.sub.example3.test", "CNAME") == ["_mta-sts.example3.test."]
    for arguments in ((), ("--refresh",)):
        must(run, "preview", "--expect-no-changes", *arguments)
    must(run, "refresh", "--yes", "--skip-preview")
    must(run, "preview", "--expect-no-changes")

    # The key in slot a is not served any more; its slot announces the one after b.
    rolled = KEYS | {"ecdsa-a": "E5" * 32}
    ops = re.findall(r"Record dns-tlsa-mx1-ecdsa-a (\w+ \w+|\w+)", up(run, rolled))
    assert ops.index("created replacement") < ops.index("deleted original"), ops
    assert served(TLSA, "TLSA") == sorted(f"3 1 1 {each.lower()}" for each in rolled.values())
    now = records(ZONE)
    assert len(set(made) - set(now)) == 1
    assert {key: now[key] for key in now if key in made} == {k: made[k] for k in now if k in made}
