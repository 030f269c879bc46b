"""Two operators of one stack, each with a checkout and an engine of their own, and one state.

What a run has begun at the DNS API is held there until the test lets it go on.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.cloudflare_api.app import SCOPES
from lab.cloudflare_api.state import Api
from tests.engine.conftest import ROOT, Project
from tests.support.serving import serving

STACK = "shared"
ZONES = {f"d{number}.test": f"{number + 10:032x}" for number in range(4)}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ1z5zvW0mCkqxqQ5xqJmL5m0p5m0p5m0p5m0p5m0p5"
# The records, and two resources that stand for the bundles of a host: each run is counted there.
PROGRAM = f"""
import pulumi
import pulumi_command as command
from components.dns.component import Dns
from components.dns.serving import Serving
from components.stack import config

bundles = [
    command.local.Command(f"mx1-{{name}}", create=f"echo {{name}} >>applied")
    for name in ("agent", "postfix")
]
ready = pulumi.ComponentResource("test:index:Ready", "ready")
pulumi.export("bundles", [bundle.id for bundle in bundles])
Dns(
    "dns",
    config.load(),
    {{"mx1": Serving(ready, "{KEY}")}},
    opts=pulumi.ResourceOptions(depends_on=bundles),
)
"""


class Holding(Api):
    """The double of the DNS API, which holds changes back after a number of them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.left = 10**9
        self.held, self.released = threading.Event(), threading.Event()
        self.released.set()
        self.inside = 0
        self.counting = threading.Lock()

    def hold(self, left: int) -> None:
        """Hold every change back after `left` more."""
        self.held.clear()
        self.released.clear()
        self.left = left

    def release(self) -> None:
        """Let all of them go on, and wait until what was held has been done."""
        self.left = 10**9
        self.released.set()
        deadline = time.monotonic() + 60
        while self.inside:
            if time.monotonic() > deadline:
                raise TimeoutError("requests to the double of the DNS API do not end")
            time.sleep(0.05)

    def change(self, number: str, work: Callable[..., Any]) -> Any:
        """Do the work on a zone when it may go on."""
        with self.counting:
            self.inside += 1
            self.left -= 1
            holds = self.left < 0
        try:
            if holds:
                self.held.set()
                if not self.released.wait(120):
                    raise TimeoutError("nobody lets the requests go on")
            return super().change(number, work)
        finally:
            with self.counting:
                self.inside -= 1

    def records(self) -> list[dict[str, Any]]:
        """All records of all zones."""
        return [record for zone in self.data.values() for record in zone["records"].values()]

    def once(self) -> bool:
        """Whether each record is there only once."""
        made = [(item["name"], item["type"], item["content"]) for item in self.records()]
        return len(set(made)) == len(made)


@contextmanager
def api(folder: Path) -> Iterator[tuple[Holding, str]]:
    """The double and its URL."""
    double = Holding(folder / "api.json", ZONES, {"t" * 40: SCOPES})
    with serving(double) as url:
        try:
            yield double, url
        finally:
            double.released.set()


def settings() -> dict[str, Any]:
    """Four domains in zones of their own: 22 records."""
    return {
        "hosts": {"mx1": {"hostname": "mx1.d0.test", "ipv4": "198.18.77.31", "hostKey": KEY}},
        "mailboxHosts": {"mailbox1": {"hostname": "mailbox1.d0.test"}},
        "dns": {
            "ttlSeconds": 300,
            "privateAddresses": True,
            "zones": ZONES,
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


class Operator(Project):
    """A checkout with `mx`, for which the state is in a backend elsewhere."""

    def __init__(self, folder: Path, backend: str, more: Mapping[str, str]) -> None:
        folder.mkdir()
        super().__init__(folder)
        for name in ("scripts", "tools", "docs"):
            shutil.copytree(ROOT / name, self.folder / name)
        for name in ("requirements.lock", "pyproject.toml"):
            shutil.copy(ROOT / name, self.folder)
        (self.folder / "__main__.py").write_text(PROGRAM)
        self.stack_file = self.folder / "stacks" / f"Pulumi.{STACK}.yaml"
        self.environment = dict(self.environment) | dict(more) | {"PULUMI_BACKEND_URL": backend}

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `mx ARGUMENTS` in a session of its own."""
        return subprocess.Popen(
            ["scripts/mx", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def mx(self, *arguments: str) -> tuple[int, str]:
        """Exit code and words of `mx ARGUMENTS`."""
        return ended(self.begin(*arguments))

    def applied(self) -> list[str]:
        """The bundles that this operator's runs applied, in order."""
        file = self.folder / "applied"
        return file.read_text().split() if file.exists() else []


def pair(
    folder: Path, backend: str, url: str, more: Mapping[str, str] | None = None
) -> tuple[Operator, Operator]:
    """Two operators; `url`: of the DNS API, `more`: of the environment, to reach the backend."""
    first, second = (Operator(folder / name, backend, more or {}) for name in ("first", "second"))
    config = {"cloudflare:baseUrl": url, "mx:mail": settings()}
    first.stack_file.write_text(json.dumps({"config": config}))
    first.init(STACK)
    # With the salt that the engine wrote: Git carries the stack file from one to the other.
    shutil.copy(first.stack_file, second.stack_file)
    return first, second


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and words of a run, once it has ended: minutes, where it waits for its server."""
    output = process.communicate(timeout=1200)[0]
    return process.returncode, output


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a run with its engine and plug-ins, which have process groups of their own."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            session = int(stat.read_text().rpartition(")")[2].split()[3])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        if session == process.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(stat.parent.name), signal.SIGKILL)
    process.communicate()
