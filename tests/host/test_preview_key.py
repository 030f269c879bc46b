"""A key for previews alone, limited in authorized_keys as docs/forge.md says."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.settings.stack_file import settings_of
from tools import rollback as rescue

from .conftest import ROOT, Ssh

pytestmark = pytest.mark.host

AUTHORIZED = ".ssh/authorized_keys"  # from the home of the login


def documented() -> str:
    """The options of the key in the documentation."""
    text = (ROOT / "docs/forge.md").read_text()
    [line] = re.findall(r'^ +(restrict,command="[^"]+") ssh-ed25519 ', text, re.MULTILINE)
    return str(line)


@pytest.fixture
def key(ssh: Ssh, tmp_path: Path) -> Iterator[Path]:
    """A private key that mx1 lets in with the documented limits."""
    path = tmp_path / "preview"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    public = path.with_suffix(".pub").read_text().strip()
    ssh("mx1", f"cp -p {AUTHORIZED} {AUTHORIZED}.before")
    ssh("mx1", f"cat >>{AUTHORIZED} <<'END'\n{documented()} {public}\nEND")
    yield path
    ssh("mx1", f"mv {AUTHORIZED}.before {AUTHORIZED}")


def status(text: str) -> dict[str, object]:
    """The agent's status without the host's time."""
    found: dict[str, object] = json.loads(text)
    del found["time"]
    return found


def test_a_limited_key_reads_drift_and_does_nothing_else(ssh: Ssh, key: Path) -> None:
    settings = settings_of("lab")
    limited = settings.model_copy(
        update={"ssh": settings.ssh.model_copy(update={"private_key_file": str(key)})}
    )
    before, home = status(ssh("mx1", "mx-agent status")), ssh("mx1", "ls /root")
    for verb in ("status", "remove postfix", "rollback postfix; touch /root/was-here"):
        code, out, err = rescue.call(limited, "mx1", verb)
        assert (code, err) == (0, "")
        # Before the status are the lines of renewals and of updates, which a preview reads too.
        assert status(out.split("\n", 2)[2]) == before
    assert status(ssh("mx1", "mx-agent status")) == before
    assert ssh("mx1", "ls /root") == home
    assert "was-here" not in ssh("mx1", "ls /root")
