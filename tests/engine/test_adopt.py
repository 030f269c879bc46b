"""`mx adopt` under the real engine: a live domain's records are taken over and none changes."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from components.settings import engine_yaml
from lab.cloudflare_api.state import Api
from tests.support.serving import serving

from .conftest import ROOT, Project
from .test_zones import FIRST, FULL, RECORDS, SECOND, TOKENS, Live, settings

pytestmark = pytest.mark.engine

NAME = "second.test"
STACK = """\
# The company's mail. Ask Eve first.
config:
  cloudflare:baseUrl: {url}
  mx:mail:
    hosts:
      mx1: {{hostname: mx1.example.test, ipv4: 198.18.77.31, hostKey: {key}}}  # rack 4
    mailboxHosts:
      mailbox1: {{hostname: mailbox1.example.test}}
    dns:
      privateAddresses: true
      zones:
        example.test: {first}
        second.test: {second}  # bought in May
      records: {{spf: v=spf1 mx -all, dmarc: v=DMARC1; p=reject}}

    # Mail domains.
    domains:
      example.test: {{mailboxHost: mailbox1, recipients: []}}
      # A live one.
      second.test:
        mailboxHost: mailbox1
        recipients: []
"""
FOREIGN: list[dict[str, Any]] = [
    {"type": "TXT", "name": NAME, "content": '"v=spf1 include:_spf.example.net ~all"', "ttl": 300},
    {"type": "TXT", "name": f"_dmarc.{NAME}", "content": '"v=DMARC1; p=none"', "ttl": 1},
    {"type": "MX", "name": NAME, "content": "aspmx.l.example.net", "priority": 5, "ttl": 300},
    {"type": "CNAME", "name": f"mta-sts.{NAME}", "content": "policy.example.net", "ttl": 300},
]


QUEUES = """
import pulumi_command as command
command.local.Command("queues", create="true", opts=pulumi.ResourceOptions(depends_on=[dns]))
"""


@contextmanager
def records_stack(folder: Path, text: str, *foreign: dict[str, Any]) -> Iterator[Live]:
    """A stack of records that `mx` can work on, and the API of its zones with records of others."""
    api = Api(folder / "api.json", {"example.test": FIRST, NAME: SECOND}, TOKENS)
    api.batch(SECOND, {"posts": list(foreign)})
    with serving(api) as url:
        project = Project(folder)
        for name in ("tools", "scripts", "lab"):
            shutil.copytree(ROOT / name, project.folder / name)
        for name in ("requirements.lock", "pyproject.toml"):
            shutil.copy(ROOT / name, project.folder / name)
        stack = Live(project, api, url)
        stack.program(RECORDS)
        key = settings()["hosts"]["mx1"]["hostKey"]
        file(stack).write_text(text.format(url=stack.url, key=key, first=FIRST, second=SECOND))
        project.init("live")
        yield stack


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with records_stack(tmp_path_factory.mktemp("adopt"), STACK, *FOREIGN) as stack:
        yield stack


def file(live: Live) -> Path:
    return live.project.folder / "stacks" / "Pulumi.live.yaml"


def mx(live: Live, *arguments: str, token: str = FULL) -> subprocess.CompletedProcess[str]:
    """Run `mx` in the project's folder."""
    return subprocess.run(
        [".venv/bin/python", "-m", "tools.mx", *arguments],
        cwd=live.project.folder,
        env=live.project.environment | {"CLOUDFLARE_API_TOKEN": token},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def adopt(live: Live, *options: str) -> subprocess.CompletedProcess[str]:
    return mx(live, "adopt", "live", *options)


def test_a_live_domain_is_adopted_as_it_is_and_then_changed_step_by_step(live: Live) -> None:
    before, text = live.records(), file(live).read_text()
    code, output = live.run("up")
    assert code != 0
    assert "`mx adopt` takes the record over unchanged" in " ".join(output.split())
    assert live.records() == before

    shown = adopt(live, "--dry-run", "--json")
    assert shown.returncode == 2, shown.stderr
    document = json.loads(shown.stdout)
    assert {each["key"] for each in document["records"]} == {f"spf-{NAME}", f"dmarc-{NAME}"}
    assert document["written"] is False
    assert "aspmx.l.example.net, preference 5: before mx1" in document["beside"][0]
    assert file(live).read_text() == text

    done = adopt(live, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert FULL not in done.stdout + done.stderr
    new = file(live).read_text()
    kept = [line for line in text.splitlines() if line in new.splitlines()]
    assert kept == text.splitlines()
    mail: Any = engine_yaml.load(new)
    mail = mail["config"]["mx:mail"]
    ids = {row["name"]: row["id"] for row in before[SECOND].values() if row["type"] == "TXT"}
    assert mail["dns"]["adopt"] == {
        f"spf-{NAME}": ids[NAME],
        f"dmarc-{NAME}": ids[f"_dmarc.{NAME}"],
    }
    assert mail["dns"]["recordTtlSeconds"] == {f"spf-{NAME}": 300, f"dmarc-{NAME}": 1}
    assert live.records() == before

    code, output = live.run("up")
    assert code == 0, output
    after = live.records()[SECOND]
    assert {key: after[key] for key in before[SECOND]} == before[SECOND]
    assert [row["content"] for key, row in after.items() if key not in before[SECOND]] == [
        "mx1.example.test"
    ]
    code, output = live.run("preview", FULL)
    assert code == 0, output
    again = adopt(live, "--dry-run")
    assert again.returncode == 0, again.stdout + again.stderr

    # Ours from now on: the text changes in place, under the same ID.
    file(live).write_text(new.replace("include:_spf.example.net ~all", "mx -all"))
    code, output = live.run("up")
    assert code == 0, output
    changed = live.records()[SECOND][ids[NAME]]
    assert (changed["content"], changed["ttl"]) == ('"v=spf1 mx -all"', 300)


def test_an_adopted_record_that_somebody_deleted_is_made_anew(live: Live) -> None:
    """The line of dns.adopt stays in the stack file for years, with an ID that is gone."""

    def spf() -> list[str]:
        rows = live.records()[SECOND].values()
        return [row["id"] for row in rows if row["type"] == "TXT" and row["name"] == NAME]

    [old] = spf()
    live.api.batch(SECOND, {"deletes": [{"id": old}]})
    for expected in ("1 created", "unchanged"):
        done = live.project.run("up", "--stack", "live", "--yes", "--skip-preview", "--refresh")
        assert done.returncode == 0, done.stdout + done.stderr
        assert expected in done.stdout
    [new] = spf()
    assert new != old
    told = f"`mx up` made the record anew, with the ID {new}: write this ID"
    assert told in " ".join((done.stdout + done.stderr).split())
    assert old in file(live).read_text()


def test_a_record_that_somebody_made_anew_is_adopted_anew(live: Live) -> None:
    """The state and dns.adopt have IDs that are gone: a second SPF would make both void."""

    def spf() -> list[tuple[str, str]]:
        rows = live.records()[SECOND].values()
        return [(row["id"], row["content"]) for row in rows if row["content"].startswith('"v=spf1')]

    up = ("up", "--stack", "live", "--yes", "--skip-preview", "--refresh")
    [(old, _)] = spf()
    theirs = {"type": "TXT", "name": NAME, "content": '"v=spf1 a:their.test ~all"', "ttl": 300}
    live.api.batch(SECOND, {"deletes": [{"id": old}], "posts": [theirs]})
    there = spf()
    done = live.project.run(*up)
    assert done.returncode != 0
    assert "with a second SPF record" in " ".join((done.stdout + done.stderr).split())
    assert spf() == there
    done = adopt(live, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    for expected in ("1 imported", "unchanged"):
        done = live.project.run(*up)
        assert done.returncode == 0, done.stdout + done.stderr
        assert expected in done.stdout
        assert spf() == there


def test_nobody_to_ask_writes_nothing(live: Live) -> None:
    before = file(live).read_text()
    done = adopt(live)
    assert done.returncode == 64
    assert "add --dry-run or --yes" in done.stderr
    assert file(live).read_text() == before


def test_a_wrong_zone_id_is_told_before_anything(live: Live) -> None:
    before = file(live).read_text()
    file(live).write_text(before.replace(SECOND, "1" * 31 + "e"))
    done = adopt(live, "--dry-run")
    file(live).write_text(before)
    assert done.returncode == 1
    assert f"mx:mail.dns.zones.{NAME}: the token sees no zone" in done.stderr
    assert "Traceback" not in done.stderr


def test_destroy_leaves_what_was_taken_over_as_it_is(live: Live) -> None:
    """Last: nothing else of the stack is left. As in the real program, a check depends on all."""
    live.program(RECORDS.replace('Dns("dns"', 'dns = Dns("dns"') + QUEUES)
    code, output = live.run("up")
    assert code == 0, output
    before = live.records()[SECOND]
    done = mx(live, "destroy", "live", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"_dmarc.{NAME} TXT" in done.stdout.partition("They stay:")[2]
    stays = {key: row for key, row in before.items() if row["content"] != "mx1.example.test"}
    assert len(stays) == len(before) - 1
    assert live.records()[SECOND] == stays
