"""Hosts whose disk agrees with their own record, and that are behind the stack all the same.

A sample of tests/long/behind-hosts, with one `up` for all of them. A snapshot that is put back is
what a host was before: so each case applies there, with the agent itself, what it had or could have
had. Preview and drift say why, one `up` heals it.
"""

from __future__ import annotations

import json
import smtplib
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.long.behind import accidents

from .conftest import MX2, Ssh
from .test_drift import report

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
OTHER = "is not the one that this stack applied last"
# Host and component to the reason that the report gives.
SAID = {
    ("mx2", "mail-database"): OTHER,
    ("mx2", "postfix"): OTHER,
    ("mx2", "agent"): "it is not the one that this stack installed last",
    ("mx1", "tls-reports"): "is not applied on this host any more",
    ("mx1", "resolver"): "a change failed at",
    ("mx1", "redis"): OTHER,
    ("mx1", "agent"): "monitoring-of-before: its first change failed at",
}

CLONE = "mx1 and mx2 answer with the same machine ID"


def reply(address: str) -> int:
    with smtplib.SMTP(MX2, 25, timeout=60) as session:
        session.ehlo("sender.test")
        session.mail("alice@sender.test")
        return session.rcpt(address)[0]


def fall_behind(ssh: Ssh) -> None:
    """Each host as it would be after one of the accidents."""
    accidents.without_bob(ssh, "mx2")
    accidents.small_limit(ssh, "mx2")
    accidents.former_agent(ssh, "mx2")
    accidents.removed(ssh, "mx1")
    accidents.marked_as_failed(ssh, "mx1")
    accidents.marked_for_a_bundle_of_before(ssh, "mx1")
    accidents.same_files_by_another_manifest(ssh, "mx1")
    assert [accidents.drifted(ssh, host) for host in ("mx1", "mx2")] == [[], []]


@contextmanager
def cloned(ssh: Ssh) -> Iterator[None]:
    """mx2 has the machine ID of mx1, as if it ran from a copy of the disk of mx1."""
    own = ssh("mx2", "cat /etc/machine-id").strip()
    other = ssh("mx1", "cat /etc/machine-id").strip()
    assert own != other
    ssh("mx2", f"echo {other} >/etc/machine-id")
    try:
        yield
    finally:
        ssh("mx2", f"echo {own} >/etc/machine-id")


def test_host_that_is_behind_is_seen_with_its_reason_and_healed_by_one_up(
    lab: dict[str, str], pulumi: Pulumi, ssh: Ssh
) -> None:
    # Healed before: a removed bundle once had the number of a healed one.
    accidents.healed_once(ssh, "mx1", "tls-reports")
    healed = pulumi("up", "--yes", "--skip-preview")
    assert healed.returncode == 0, healed.stdout + healed.stderr

    fall_behind(ssh)
    assert reply("bob@example.test") == 550
    with cloned(ssh):
        seen = report(lab, "--json", script="drift")
    healed = pulumi("up", "--yes", "--skip-preview")
    after = report(lab, script="drift")

    assert seen.returncode == 2, seen.stdout + seen.stderr
    document = json.loads(seen.stdout)
    assert any(CLONE in text for text in document["warnings"]), document["warnings"]
    told = document["drift"]
    for (host, component), words in SAID.items():
        head = f"drift: {host}: {component}: "
        assert [text for text in told if text.startswith(head) and words in text], (head, told)
    assert len(told) == len(SAID), "\n".join(told)
    assert healed.returncode == 0, healed.stdout + healed.stderr
    assert after.returncode == 0, after.stdout + after.stderr
    assert reply("bob@example.test") == 250
    assert json.loads(ssh("mx1", "mx-agent status"))["failed"] == {}
