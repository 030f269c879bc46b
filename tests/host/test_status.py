"""`scripts/status` at the lab: nothing wrong with what is deployed; what is broken is named."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab.topology import CLOUDFLARE_ZONES

from .conftest import ROOT, Ssh
from .test_dns import ZONE, api, records

pytestmark = pytest.mark.host

# The lab has one name server.
EXPECTED = {"ns-few"}
BLOCKLIST = "bl.example3.test"


def status(*options: str, outputs: str = "") -> set[tuple[str, str]]:
    """Check and subject of every finding, notices included; `outputs` is its stdin."""
    done = subprocess.run(
        [
            "scripts/status",
            "--json",
            "--resolver=198.18.77.54",
            "--helo=out.sender.test",
            f"--blocklist={BLOCKLIST}",
            "--ca-file=/var/lib/mx-lab/acme/roots.pem",
            *options,
        ],
        cwd=ROOT,
        input=outputs,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, 2), done.stderr
    found = json.loads(done.stdout)["findings"]
    assert (done.returncode == 2) == any(each["severity"] != "notice" for each in found)
    return {(each["check"], each["subject"]) for each in found}


@contextmanager
def record(kind: str, name: str, zone: str = ZONE, **body: Any) -> Iterator[None]:
    """A record that is there for a while."""
    made = api("POST", f"{zone}/dns_records", {"type": kind, "name": name, "ttl": 60, **body})
    try:
        yield
    finally:
        api("DELETE", f"{zone}/dns_records/{made['id']}")


@contextmanager
def changed(kind: str, owner: str, body: dict[str, Any]) -> Iterator[None]:
    """One of our records that says something else for a while."""
    ours = [each for each in records().values() if (each["type"], each["name"]) == (kind, owner)]
    path = f"{ZONE}/dns_records/{ours[0]['id']}"
    api("PATCH", path, body)
    try:
        yield
    finally:
        api("PATCH", path, {key: ours[0][key] for key in body})


def eventually(check: str, subject: str, *options: str) -> None:
    """The finding shows as soon as the lab's resolver forgets, which is within seconds."""
    found: set[tuple[str, str]] = set()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = status(*(options or ("example.test",)))
        if (check, subject) in found:
            return
        time.sleep(0.5)
    raise AssertionError(f"{check} of {subject} is not in {sorted(found)}")


@pytest.fixture(scope="module")
def healthy(pulumi: Callable[..., subprocess.CompletedProcess[str]]) -> set[tuple[str, str]]:
    return status("--stack", "lab")


def test_nothing_is_wrong_with_what_is_deployed(healthy: set[tuple[str, str]]) -> None:
    assert {check for check, _ in healthy} <= EXPECTED


def test_a_record_of_ours_that_is_gone_is_named(healthy: set[tuple[str, str]]) -> None:
    with changed("AAAA", "mx1.example.test", {"name": "aside.example.test"}):
        eventually("mx-aaaa", "mx1.example.test")
        eventually("stack-record", "example.test", "--stack", "lab")


def test_block_lists_are_understood(healthy: set[tuple[str, str]]) -> None:
    subject, zone = "mx1.example.test [198.18.77.11]", CLOUDFLARE_ZONES["example3.test"]
    with record("A", f"11.77.18.198.{BLOCKLIST}", zone, content="127.0.0.2"):
        eventually("blocklisted", subject)
    with record("A", f"11.77.18.198.{BLOCKLIST}", zone, content="127.255.255.254"):
        eventually("blocklist-refused", subject)


def test_a_closed_port_is_named(ssh: Ssh) -> None:
    ssh("mx2", "systemctl stop postfix")
    try:
        eventually("port-closed", "mx2.example.test [198.18.77.12]")
    finally:
        ssh("mx2", "systemctl start postfix")


def test_a_bogus_zone_is_named(ssh: Ssh) -> None:
    ssh("internet", "cp /etc/unbound/lab-root.key /run/root.key")
    wrong = "sed -i 's/[0-9A-Fa-f]\\{8\\}$/00000000/' /etc/unbound/lab-root.key"
    ssh("internet", f"{wrong} && systemctl restart unbound")
    try:
        eventually("dnssec-bogus", "example.test")
    finally:
        ssh("internet", "cp /run/root.key /etc/unbound/lab-root.key && systemctl restart unbound")
