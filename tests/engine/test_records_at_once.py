"""scripts/records under the real engine: after a run that was killed, every record once."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.cloudflare_api.app import SCOPES
from lab.cloudflare_api.state import Api
from tests.support.serving import serving

from .conftest import ROOT, Project

pytestmark = pytest.mark.engine

# The last one's ID is a number for the engine's reader of YAML unless it is quoted.
ZONES = {f"d{number}.test": f"{number:032x}" for number in (0, 1, 2, 8)}
MADE_WHEN_KILLED = 12
OPTIONS = ["--yes", "--skip-preview", "--non-interactive"]
RECORDS = ["scripts/records", "many", *OPTIONS]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ1z5zvW0mCkqxqQ5xqJmL5m0p5m0p5m0p5m0p5m0p5"
PROGRAM = f"""
import pulumi
from components.dns.component import Dns
from components.dns.serving import Serving
from components.stack import config

ready = pulumi.ComponentResource("test:index:Ready", "ready")
serving = {{"mx1": Serving(ready, "{KEY}", tls=ready, keys={{"ecdsa-a": "AB" * 32}})}}
Dns("dns", config.load(), serving)
"""


class Holding(Api):
    """The double, which holds requests back from a number of records on until it may go on."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.held, self.released = threading.Event(), threading.Event()
        self.inside: set[int] = set()

    def change(self, number: str, work: Callable[..., Any]) -> Any:
        self.inside.add(threading.get_ident())
        if len(self.records()) >= MADE_WHEN_KILLED:
            self.held.set()
            assert self.released.wait(60)
        try:
            return super().change(number, work)
        finally:
            self.inside.discard(threading.get_ident())

    def records(self) -> list[dict[str, Any]]:
        """All records of all zones."""
        return [record for zone in self.data.values() for record in zone["records"].values()]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[tuple[Holding, str]]:
    double = Holding(tmp_path / "api.json", ZONES, {"t" * 40: SCOPES})
    with serving(double) as url:
        yield double, url
        double.released.set()


def settings() -> dict[str, Any]:
    """Domains in zones of their own, one host in the first."""
    return {
        "hosts": {"mx1": {"hostname": "mx1.d0.test", "ipv4": "198.18.77.31", "hostKey": KEY}},
        "mailboxHosts": {"mailbox1": {"hostname": "mailbox1.d0.test"}},
        "dns": {
            "ttlSeconds": 300,
            "privateAddresses": True,
            "zones": ZONES,
            "signedZones": ["d0.test"],
            "sshfp": True,
            "caa": {"issue": ["ca.test"]},
            "records": {
                "spf": "v=spf1 mx -all",
                "dmarc": "v=DMARC1; p=reject",
                "tlsRpt": "v=TLSRPTv1; rua=mailto:t@partner.test",
            },
        },
        "domains": {name: {"mailboxHost": "mailbox1", "recipients": []} for name in ZONES},
    }


def kill_session(leader: int) -> None:
    """Kill the engine with its plug-ins, which have process groups of their own."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            session = int(stat.read_text().rpartition(")")[2].split()[3])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        if session == leader:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(stat.parent.name), signal.SIGKILL)


def identity(record: dict[str, Any]) -> tuple[str, str, str]:
    """What may be there only once."""
    return record["name"], record["type"], record["content"]


@pytest.mark.parametrize(
    "command",
    [RECORDS, ["pulumi", "up", "--stack", "many", *OPTIONS]],
    ids=["state written once", "state written at every step"],
)
def test_killed_in_the_middle_the_next_run_has_every_record_once(
    project: Project, api: tuple[Holding, str], command: list[str]
) -> None:
    double, url = api
    for name in ("scripts", "tools"):
        shutil.copytree(ROOT / name, project.folder / name)
    shutil.copy(ROOT / "requirements.lock", project.folder)
    (project.folder / "__main__.py").write_text(PROGRAM)
    config = {"cloudflare:baseUrl": url, "mx:mail": settings()}
    stack_file = project.folder / "stacks" / "Pulumi.many.yaml"
    stack_file.write_text(json.dumps({"config": config}))
    project.init("many")
    # What is no record: scripts/up has made it before.
    done = project.run("up", "--stack", "many", "--yes", "--skip-preview", "--exclude", "**dnsR**")
    assert done.returncode == 0, done.stdout + done.stderr
    assert double.records() == []

    killed = subprocess.Popen(
        command,
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert double.held.wait(60)
    kill_session(killed.pid)
    killed.wait()
    # The API goes on with the requests that it had got.
    double.released.set()
    deadline = time.monotonic() + 30
    while double.inside:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert project.run("cancel", "--stack", "many", "--yes").returncode == 0
    left = {record["id"] for record in double.records()}
    assert len(left) >= MADE_WHEN_KILLED

    again = subprocess.run(
        RECORDS,
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert again.returncode == 0, again.stdout + again.stderr
    made = double.records()
    assert left <= {record["id"] for record in made}
    assert len({identity(record) for record in made}) == len(made)
    state = json.loads(project.run("stack", "export", "--stack", "many").stdout)
    known = [item for item in state["deployment"]["resources"] if "dnsRecord" in item["type"]]
    assert {item["id"] for item in known} == {record["id"] for record in made}
    # The stack file itself names nothing to adopt, and nothing is left to do.
    assert "adopt" not in stack_file.read_text()
    if state["deployment"].get("pending_operations"):
        clear = ("--clear-pending-creates", "--target", "**pulumi:pulumi:Stack::**")
        done = project.run("refresh", "--stack", "many", "--yes", "--skip-preview", *clear)
        assert done.returncode == 0, done.stdout + done.stderr
    same = project.run("preview", "--stack", "many", "--refresh", "--expect-no-changes")
    assert same.returncode == 0, same.stdout + same.stderr
    assert "pending operations" not in same.stdout + same.stderr
