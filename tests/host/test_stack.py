"""The applied stack: no change twice, one line for one setting, an undone failure, destroy."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.stack.outputs import Outputs
from lab import keys, topology

from .conftest import ROOT, Ssh

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
STACK = ROOT / "stacks" / "Pulumi.lab.yaml"


@pytest.fixture
def stack_text() -> Iterator[Path]:
    """The lab's stack file; afterwards it is as before, and so are the hosts after the next `up`.

    For a test that ends with the hosts as before, or that another one with an `up` follows.
    """
    before = STACK.read_text()
    yield STACK
    STACK.write_text(before)


@pytest.fixture
def stack_file(pulumi: Pulumi) -> Iterator[Path]:
    """The lab's stack file; afterwards it is as before, and so are the hosts."""
    before = STACK.read_text()
    yield STACK
    STACK.write_text(before)
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr


def set_postfix(stack_file: Path, line: str) -> None:
    text = stack_file.read_text()
    assert "    postfix:" not in text
    stack_file.write_text(text.rstrip("\n") + f"\n    postfix:\n{line}\n")


def test_second_preview_is_empty(pulumi: Pulumi) -> None:
    done = pulumi("preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr


def test_outputs_stay_over_an_up_without_a_change_and_hold_no_secret(pulumi: Pulumi) -> None:
    def printed(*options: str) -> str:
        done = pulumi("stack", "output", "--json", *options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    before = printed()
    done = pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert printed() == before
    assert printed("--show-secrets") == before, "one of them is a secret"
    outputs = Outputs.model_validate_json(before)
    assert len(outputs.scrape_targets) == 2
    assert len(outputs.certificates) == 4
    assert [each.domain for each in outputs.policies] == ["example.test"]
    for secret in ("PRIVATE KEY", topology.CLOUDFLARE_TOKEN):
        assert secret not in before


def test_message_size_shows_as_one_line_a_host_and_reloads(
    pulumi: Pulumi, ssh: Ssh, stack_text: Path
) -> None:
    master = ssh("mx1", "postfix status 2>&1; pgrep -x master")
    set_postfix(stack_text, "      messageSizeLimitBytes: 10485760")
    diff = pulumi("preview", "--diff").stdout
    added = [line.split("+", 1)[1].strip() for line in diff.splitlines() if "+ message_" in line]
    assert added == ["message_size_limit = 10485760"] * 2, diff
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ssh("mx1", "postconf -h message_size_limit") == "10485760\n"
    assert ssh("mx1", "postfix status 2>&1; pgrep -x master") == master


def test_nothing_secret_in_state_output_or_process_list(
    pulumi: Pulumi, ssh: Ssh, stack_file: Path
) -> None:
    key = keys.CLIENT_KEY.read_text().splitlines()[1]
    watch = "for i in $(seq 200); do ps -eo args; sleep 0.05; done > /run/process-list"
    watcher = subprocess.Popen(["scripts/lab", "ssh", "mx1", watch], cwd=ROOT)
    set_postfix(stack_file, "      messageSizeLimitBytes: 10485761")
    done = pulumi("up", "--yes", "--skip-preview", "--diff")
    assert done.returncode == 0, done.stdout + done.stderr
    assert watcher.wait(timeout=120) == 0
    processes = ssh("mx1", "cat /run/process-list; rm /run/process-list")
    assert "mx-agent apply" in processes
    exported = pulumi("stack", "export").stdout
    assert "mx1-postfix" in exported
    for text in (processes, exported, done.stdout, done.stderr, ssh("mx1", "journalctl")):
        assert key not in text
        assert "PRIVATE KEY" not in text
        assert topology.CLOUDFLARE_TOKEN not in text
