"""A former state back in service at once, without the engine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.samples import SAMPLES

from .conftest import ROOT, Ssh
from .test_drift import report
from .test_stack import set_postfix, stack_file

__all__ = ["stack_file"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]


def rollback(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["scripts/rollback", "lab", *arguments, "--yes"],
        cwd=ROOT,
        # Neither engine nor its state.
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_rollback_serves_again_is_drift_and_up_goes_forward(
    lab: dict[str, str], pulumi: Pulumi, ssh: Ssh, stack_file: Path
) -> None:
    before = ssh("mx1", "postconf -h message_size_limit")
    set_postfix(stack_file, "      messageSizeLimitBytes: 20000000")
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ssh("mx1", "postconf -h message_size_limit") == "20000000\n"

    back = rollback("mx1")
    assert back.returncode == 0, back.stdout + back.stderr
    assert ssh("mx1", "postconf -h message_size_limit") == before
    assert "probes passed" in back.stdout

    seen = report(lab, "--json")
    assert seen.returncode == 2, seen.stdout + seen.stderr
    document = json.loads(seen.stdout)
    assert [(c["host"], c["component"], c["why"]) for c in document["changes"]] == [
        ("mx1", "postfix", ["drift"])
    ]
    assert f"-message_size_limit = 20000000\n+message_size_limit = {before}" in document["drift"][0]
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ssh("mx1", "postconf -h message_size_limit") == "20000000\n"
    assert report(lab).returncode == 0


# The agent's own record has the manifest that is applied.
APPLY = """python3 - <<'END'
import json, subprocess
record = json.load(open("/var/lib/mx-agent/bundles/{component}.json"))
manifest = json.loads(record["text"])
file = manifest["files"][{sample.path!r}]
assert {sample.old!r} in file["content"]
file["content"] = file["content"].replace({sample.old!r}, {sample.new!r}, 1)
subprocess.run(["mx-agent", "apply"], input=json.dumps(manifest).encode(), check=True)
END"""


@pytest.fixture(scope="module")
def healed(pulumi: Pulumi) -> Iterator[None]:
    """Afterwards nothing counts as rolled back any more."""
    yield
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    done = pulumi("preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("healed")
@pytest.mark.parametrize("component", SAMPLES)
def test_former_state_of_a_component_is_in_service_again(ssh: Ssh, component: str) -> None:
    sample = SAMPLES[component]
    before = ssh("mx1", sample.shows)
    ssh("mx1", APPLY.format(component=component, sample=sample))
    if sample.confirm:
        ssh("mx1", sample.confirm)
    assert ssh("mx1", sample.shows) != before
    back = rollback("mx1", component)
    assert back.returncode == 0, back.stdout + back.stderr
    assert ssh("mx1", sample.shows) == before


def test_every_component_is_among_them(ssh: Ssh) -> None:
    applied = set(json.loads(ssh("mx1", "mx-agent status"))["bundles"])
    # With a secret in it, no former state is kept: put right in the settings, then `up`.
    # Packages stay installed: there is nothing that could come back.
    assert applied - {"acme-dns-tokens", "packages"} == set(SAMPLES)
    secret = rollback("mx1", "acme-dns-tokens")
    assert secret.returncode == 1
    assert "it has a secret, of which no copy is kept" in " ".join(secret.stderr.split())


def test_rollback_says_what_it_cannot_do(lab: dict[str, str]) -> None:
    unknown = rollback("mx9")
    assert unknown.returncode == 64
    assert "stacks/Pulumi.lab.yaml has no host mx9; it has mx1, mx2" in unknown.stderr
    nothing = rollback("mx1", "nothing")
    assert nothing.returncode == 64
    assert "there is no component nothing on mx1" in nothing.stderr
    assert "`mx rollback lab mx1 --list` names the components" in nothing.stderr
