"""No way of making records makes the MX record of a domain whose host has not been set up for it.

The host refuses the domain's mail for good until its database has the domain. A run that leaves the
host's commands out (`--target`, `--exclude`, scripts/records) must leave the MX record out, too.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from lab.cloudflare_api.state import Api
from tests.support.serving import serving

from .conftest import ROOT, Project
from .test_zones import FIRST, SECOND, TOKENS, Live

pytestmark = pytest.mark.engine

# The host's commands run on this machine and do nothing; the network of the gate answers well.
PROGRAM = """
import json
import pulumi
import pulumi_command as command
from components.dns.component import Dns
from components.dns.serving import Serving
from components.host import bundle, silent
from components.host.manifest import Manifest
from components.host.seen import Seen
from components.host.target import Target
from components.services.database import component as database
from components.services.postfix import component as postfix
from components.stack import config, gate
from components.stack.failures import fail_at_the_end

def local(name, connection, **inputs):
    return command.local.Command(name, **inputs)

def answers(self, key, asked):
    return 0, json.dumps([{"greeting": "220 mx1.example.test"} for _ in json.loads(asked)]), ""

command.remote.Command = local
bundle.AGENT_PATH = "true #"
silent.look = lambda *_: None
fail_at_the_end()
gate.Gate._run = answers
settings = config.load()
opts = pulumi.ResourceOptions()
target = Target("mx1", settings, Seen())
rows = bundle.Bundle(
    "mx1-mail-database", target, database.content(settings, "mx1", "mx/live", {}), opts
)
mail = bundle.Bundle(
    "mx1-postfix",
    target,
    postfix.manifest(settings, "mx1", "mx/live"),
    opts,
    depends_on=[rows.command],
)
serving = {"mx1": Serving(mail.command, target.host_key, rows=rows.command)}
taking = {"mx1": {each.name: each.applied for each in (rows, mail)}}
Dns("dns", settings, serving, before_mx=gate.Gate(settings, taking).hook)
"""
NEW = "dns-mx-second.test-mx1"
UP = ["pulumi", "up", "--stack", "live", "--yes", "--skip-preview", "--non-interactive"]
WAYS = {
    "scripts/records": ["scripts/records", "live", "--yes", "--skip-preview", "--non-interactive"],
    "the MX record as a target": [*UP, "--target", f"**{NEW}"],
    "its database left out": [*UP, "--exclude", "**mx1-mail-database"],
}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("waits")
    api = Api(folder / "api.json", {"example.test": FIRST, "second.test": SECOND}, TOKENS)
    with serving(api) as url:
        project = Project(folder)
        for name in ("scripts", "tools"):
            shutil.copytree(ROOT / name, project.folder / name)
        shutil.copy(ROOT / "requirements.lock", project.folder)
        stack = Live(project, api, url)
        stack.program(PROGRAM)
        write(stack, [])
        project.init("live")
        code, output = stack.run("up")
        assert code == 0, output
        yield stack


def write(live: Live, recipients: list[str] | None) -> None:
    """`recipients`: those of the second domain; empty for no such domain."""

    def change(mail: dict[str, Any]) -> None:
        if recipients:
            mail["domains"]["second.test"]["recipients"] = recipients
        else:
            del mail["domains"]["second.test"]

    live.write(change)


def exchangers(live: Live) -> set[str]:
    rows = [row for zone in live.records().values() for row in zone.values()]
    return {row["name"] for row in rows if row["type"] == "MX"}


@pytest.mark.parametrize("way", WAYS)
def test_mx_of_a_domain_that_the_host_does_not_have_yet_is_not_made_with(
    live: Live, way: str
) -> None:
    write(live, ["alice"])
    done = subprocess.run(
        WAYS[way],
        cwd=live.project.folder,
        env=live.project.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    output = " ".join((done.stdout + done.stderr).split())
    assert exchangers(live) == {"example.test"}, output
    assert "Traceback" not in output, done.stdout + done.stderr
    if way == "scripts/records":
        assert done.returncode == 0, output
        assert "`up` makes them: mx-second.test-mx1" in output
    else:
        assert done.returncode != 0
        assert "the MX record of second.test for mx1 is held back: this run does not" in output


def test_whole_run_sets_the_host_up_and_then_makes_the_mx_record(live: Live) -> None:
    write(live, ["alice"])
    code, output = live.run("up")
    assert code == 0, output
    assert exchangers(live) == {"example.test", "second.test"}
    state = json.loads(live.project.run("stack", "export", "--stack", "live").stdout)
    assert NEW in {each["urn"].rpartition("::")[2] for each in state["deployment"]["resources"]}
    # A record that is there stays, whatever a later run leaves out.
    write(live, ["alice", "bob"])
    assert live.project.run(*UP[1:-1], "--target", f"**{NEW}").returncode == 0
    assert exchangers(live) == {"example.test", "second.test"}
