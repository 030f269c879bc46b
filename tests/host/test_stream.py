"""Mail and connections while the configuration changes, also by an engine that is killed."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import container, topology

from .conftest import ROOT, Ssh
from .test_stack import set_postfix, stack_file

__all__ = ["stack_file"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
MESSAGES = 300
MAILDIR = "/var/mail/example.test/bob"
INJECT = (
    f"for i in $(seq {MESSAGES}); do printf 'Subject: stream %s\\n\\ntext\\n' $i | "
    "/usr/sbin/sendmail -f alice@sender.test bob@example.test; sleep 0.35; done"
)


def connections(host: topology.Host) -> int:
    """How many SSH logins the host has accepted; asked without one."""
    return container.inside(host, ["journalctl", "-o", "cat", "--no-pager"]).count("Accepted ")


def test_every_message_arrives_once_through_seven_changes_with_a_killed_engine(
    pulumi: Pulumi, lab: dict[str, str], ssh: Ssh, stack_file: Path
) -> None:
    """Seven times another setting: the engine is killed at random, the next `up` converges."""
    chance = random.Random(20261124)
    ssh("mailbox1", f"rm -rf {MAILDIR}/new/*")
    plain = stack_file.read_text()
    sender = subprocess.Popen(
        ["scripts/lab", "ssh", "internet", INJECT], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        for size in range(20000000, 20000007):
            stack_file.write_text(plain)
            set_postfix(stack_file, f"      messageSizeLimitBytes: {size}")
            killed_after(chance.uniform(1.0, 5.0), lab, pulumi)
            done = pulumi("up", "--yes", "--skip-preview")
            assert done.returncode == 0, done.stdout + done.stderr
            for host in ("mx1", "mx2"):
                assert ssh(host, "postconf -h message_size_limit") == f"{size}\n"
                status = json.loads(ssh(host, "mx-agent status"))
                assert status["bundles"]["postfix"]["drift"] == []
                assert not status["unfinished"]
        assert sender.wait(timeout=300) == 0
    finally:
        sender.kill()
    ssh(
        "internet",
        "timeout 60 sh -c 'until mailq | grep -q \"is empty\"; do postqueue -f; sleep 1; done'",
    )
    drained = "timeout 60 sh -c 'until mailq | grep -q \"is empty\"; do sleep 1; done'"
    ssh("mx1", drained)
    ssh("mx2", drained)
    subjects = ssh("mailbox1", f"grep -h '^Subject: stream' -r {MAILDIR}/new")
    arrived = Counter(re.findall(r"stream (\d+)", subjects))
    assert arrived == {str(number): 1 for number in range(1, MESSAGES + 1)}


def killed_after(seconds: float, lab: dict[str, str], pulumi: Pulumi) -> None:
    """Begin an `up` and kill the engine with all its children, unless it ends before."""
    engine = subprocess.Popen(
        ["pulumi", "up", "--stack", "lab", "--yes", "--skip-preview", "--non-interactive"],
        cwd=ROOT,
        env=lab,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        engine.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(engine.pid, signal.SIGKILL)
        engine.wait()
        pulumi("cancel", "--yes")


def test_one_connection_for_the_drift_and_one_for_a_changed_bundle(
    pulumi: Pulumi, ssh: Ssh, stack_file: Path
) -> None:
    hosts = (topology.MX1, topology.MX2)
    before = [connections(host) for host in hosts]
    done = pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [connections(host) for host in hosts] == [count + 1 for count in before]
    set_postfix(stack_file, "      messageSizeLimitBytes: 10485760")
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [connections(host) for host in hosts] == [count + 3 for count in before]
    # With the setting off nobody is asked, and nothing changes by that.
    stack_file.write_text(stack_file.read_text() + "    drift:\n      read: false\n")
    done = pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [connections(host) for host in hosts] == [count + 3 for count in before]
