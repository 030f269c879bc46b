"""Hosts whose disk agrees with their own record, and that are behind the stack all the same.

A snapshot that is put back is what a host was before: so each case applies there, with the agent
itself, what it had or could have had. Preview and drift say why, one `up` heals it.
"""

from __future__ import annotations

import json
import re
import smtplib
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import MX2, Ssh
from .test_drift import report

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
BUNDLES = "/var/lib/mx-agent/bundles"
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


def manifest(ssh: Ssh, host: str, bundle: str) -> dict[str, Any]:
    """What was applied last, from the host's record."""
    record = json.loads(ssh(host, f"cat {BUNDLES}/{bundle}.json"))
    found: dict[str, Any] = json.loads(record["text"])
    return found


def apply(ssh: Ssh, host: str, wanted: dict[str, Any], succeeds: bool = True) -> None:
    """Apply a manifest by hand, as another operator or the past would have."""
    text = json.dumps(wanted).replace("'", "'\\''")
    done = ssh(host, f"printf %s '{text}' | mx-agent apply >/dev/null 2>&1; echo $?").strip()
    assert (done == "0") == succeeds


def reply(address: str) -> int:
    with smtplib.SMTP(MX2, 25, timeout=60) as session:
        session.ehlo("sender.test")
        session.mail("alice@sender.test")
        return session.rcpt(address)[0]


def fall_behind(ssh: Ssh) -> None:
    """Each host as it would be after one of the accidents."""
    older = manifest(ssh, "mx2", "mail-database")
    rows = older["files"]["/etc/mx-database/content/recipient"]
    rows["content"] = "".join(
        line for line in rows["content"].splitlines(True) if line.split() != ["example.test", "bob"]
    )
    apply(ssh, "mx2", older)
    older = manifest(ssh, "mx2", "postfix")
    section = older["files"]["/etc/postfix/main.cf.d/10-general.cf"]
    section["content"] = re.sub(
        r"(?m)^(message_size_limit = ).*", r"\g<1>1000000", section["content"]
    )
    apply(ssh, "mx2", older)
    ssh("mx2", "echo '# as it was' >>/usr/local/sbin/mx-agent")

    ssh("mx1", "mx-agent remove tls-reports")
    failing = manifest(ssh, "mx1", "resolver")
    failing["check"] = [{"run": ["false"]}]
    apply(ssh, "mx1", failing, succeeds=False)
    apply(ssh, "mx1", failing | {"bundle": "monitoring-of-before"}, succeeds=False)
    # The same files, so nothing but the manifest differs.
    other = manifest(ssh, "mx1", "redis")
    other["probe"] = []
    apply(ssh, "mx1", other)
    for host in ("mx1", "mx2"):
        status = json.loads(ssh(host, "mx-agent status"))
        assert [name for name, each in status["bundles"].items() if each["drift"]] == []


def test_host_that_is_behind_is_seen_with_its_reason_and_healed_by_one_up(
    lab: dict[str, str], pulumi: Pulumi, ssh: Ssh
) -> None:
    # Healed before: a removed bundle once had the number of a healed one.
    [unit, *_] = json.loads(ssh("mx1", f"cat {BUNDLES}/tls-reports.json"))["units"]
    ssh("mx1", f"systemctl stop {unit}")
    healed = pulumi("up", "--yes", "--skip-preview")
    assert healed.returncode == 0, healed.stdout + healed.stderr

    fall_behind(ssh)
    assert reply("bob@example.test") == 550
    seen = report(lab, "--json", script="drift")
    healed = pulumi("up", "--yes", "--skip-preview")
    after = report(lab, script="drift")

    assert seen.returncode == 2, seen.stdout + seen.stderr
    told = json.loads(seen.stdout)["drift"]
    for (host, component), words in SAID.items():
        head = f"drift: {host}: {component}: "
        assert [text for text in told if text.startswith(head) and words in text], (head, told)
    assert len(told) == len(SAID), "\n".join(told)
    assert healed.returncode == 0, healed.stdout + healed.stderr
    assert after.returncode == 0, after.stdout + after.stderr
    assert reply("bob@example.test") == 250
    assert json.loads(ssh("mx1", "mx-agent status"))["failed"] == {}
