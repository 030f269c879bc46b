"""Zones under the real engine: with a wrong ID or too small a token no record goes or comes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lab.cloudflare_api.app import DNS_READ, SCOPES, ZONE_READ
from lab.cloudflare_api.state import Api
from tests.support.serving import serving

from .conftest import ROOT, Project

pytestmark = pytest.mark.engine

FIRST, SECOND, CHILD = "023e105f4ecef8ad9ca31a8372d0c353", "9" * 31 + "a", "5" * 31 + "b"
NOWHERE = "023e105f4ecef8ad9ca31a8372d0cfff"
ZONES = {"example.test": FIRST, "second.test": SECOND, "sub.example.test": CHILD}
FULL, BLIND, NAMES, READS = "t" * 40, "b" * 40, "z" * 40, "r" * 40
TOKENS = {
    FULL: SCOPES,
    BLIND: frozenset[str](),
    NAMES: frozenset({ZONE_READ}),
    READS: frozenset({ZONE_READ, DNS_READ}),
}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ1z5zvW0mCkqxqQ5xqJmL5m0p5m0p5m0p5m0p5m0p5"
# The records alone, as if the hosts were there: what is tried out afterwards is the whole program.
RECORDS = f"""
import pulumi
from components.dns.component import Dns
from components.dns.serving import Serving
from components.stack import config, zones

settings = config.load()
before = zones.look(settings, config.dns_api(settings))
ready = pulumi.ComponentResource("test:index:Ready", "ready")
serving = {{"mx1": Serving(ready, "{KEY}")}}
Dns("dns", settings, serving, former=before.zones, adopt=before.adopt)
"""


def settings() -> dict[str, Any]:
    return {
        "hosts": {"mx1": {"hostname": "mx1.example.test", "ipv4": "198.18.77.31", "hostKey": KEY}},
        "mailboxHosts": {"mailbox1": {"hostname": "mailbox1.example.test"}},
        "dns": {
            "privateAddresses": True,
            "zones": {"example.test": FIRST, "second.test": SECOND},
            "sshfp": True,
            "caa": {"issue": ["ca.test"]},
            "records": {"spf": "v=spf1 mx -all", "dmarc": "v=DMARC1; p=reject"},
        },
        "domains": {
            name: {"mailboxHost": "mailbox1", "recipients": []}
            for name in ("example.test", "second.test")
        },
    }


@dataclass
class Live:
    """A stack whose records are published, and the API that has them."""

    project: Project
    api: Api
    url: str

    def write(self, change: Callable[[dict[str, Any]], None] = lambda mail: None) -> None:
        mail = settings()
        change(mail)
        text = json.dumps({"config": {"cloudflare:baseUrl": self.url, "mx:mail": mail}})
        (self.project.folder / "stacks" / "Pulumi.live.yaml").write_text(text)

    def program(self, text: str | None = None) -> None:
        """The records alone, or the whole program."""
        place = self.project.folder / "__main__.py"
        place.write_text(text) if text else shutil.copy(ROOT / "__main__.py", place)

    def run(self, command: str, token: str = FULL) -> tuple[int, str]:
        self.project.environment["CLOUDFLARE_API_TOKEN"] = token
        options = ["--yes", "--skip-preview"] if command == "up" else []
        done = self.project.run(command, "--stack", "live", *options)
        return done.returncode, done.stdout + done.stderr

    def records(self) -> dict[str, dict[str, Any]]:
        """Every record of every zone, as it is, by the zone's ID."""
        return {number: dict(zone["records"]) for number, zone in self.api.data.items()}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("zones")
    api = Api(folder / "api.json", ZONES, TOKENS)
    with serving(api) as url:
        stack = Live(Project(folder), api, url)
        stack.write()
        stack.program(RECORDS)
        stack.project.init("live")
        code, output = stack.run("up")
        assert code == 0, output
        yield stack


def zones(**changed: str) -> Callable[[dict[str, Any]], None]:
    names = {"example": "example.test", "second": "second.test", "child": "sub.example.test"}

    def change(mail: dict[str, Any]) -> None:
        mail["dns"]["zones"] |= {names[key]: number for key, number in changed.items()}

    return change


def unread(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    def both(mail: dict[str, Any]) -> None:
        change(mail)
        mail["drift"] = {"read": False}

    return both


SWAPPED = zones(example=SECOND, second=FIRST)
PATH = "stacks/Pulumi.live.yaml: mx:mail.dns.zones."
# What is wrong: the settings, the token, the command, and the words that name the fault.
BROKEN: dict[str, tuple[Callable[[dict[str, Any]], None], str, str, list[str]]] = {
    "one digit is wrong": (
        zones(example=NOWHERE),
        FULL,
        "up",
        [f"{PATH}example.test: the token sees no zone with", f"the ID of example.test is {FIRST}"],
    ),
    "one digit is wrong, preview": (
        zones(example=NOWHERE),
        FULL,
        "preview",
        [f"{PATH}example.test: the token sees no zone with"],
    ),
    "two IDs are interchanged": (
        SWAPPED,
        FULL,
        "up",
        [
            f"{PATH}example.test: {SECOND} is the ID of the zone second.test",
            f"{PATH}second.test: {FIRST} is the ID of the zone example.test",
        ],
    ),
    "two IDs are interchanged, preview": (
        SWAPPED,
        FULL,
        "preview",
        ["ID of the zone second"],
    ),
    "two IDs are interchanged and drift is not read": (
        unread(SWAPPED),
        FULL,
        "up",
        ["is the ID of the zone second.test"],
    ),
    "the ID is that of a third zone": (
        zones(second=CHILD),
        FULL,
        "up",
        [f"{PATH}second.test: {CHILD} is the ID of the zone sub.example.test"],
    ),
    "a new zone has the ID of nothing": (
        zones(child=NOWHERE),
        FULL,
        "up",
        [f"{PATH}sub.example.test: the token sees no zone with"],
    ),
    "the token is of nobody": (lambda mail: None, "x" * 40, "up", ["Invalid access token"]),
    "the token has no permission": (
        lambda mail: None,
        BLIND,
        "preview",
        [f"{PATH}example.test: ", "Zone > Zone > Read and Zone > DNS > Read"],
    ),
    "the token only reads, in up": (
        lambda mail: None,
        READS,
        "up",
        [f"{PATH}second.test: the token may read", "`up` needs the scope Zone > DNS > Edit"],
    ),
    "the token only knows the zones": (
        lambda mail: None,
        NAMES,
        "up",
        [f"{PATH}example.test: the token may not read the zone's records", "Zone > DNS > Read"],
    ),
}


@pytest.mark.parametrize("state", BROKEN)
def test_not_one_record_goes_or_comes_when(live: Live, state: str) -> None:
    change, token, command, words = BROKEN[state]
    before = live.records()
    assert sum(map(len, before.values())) == 11
    live.write(change)
    live.program()
    code, output = live.run(command, token)
    plain = " ".join(output.split())
    assert code != 0
    assert [word for word in words if word not in plain] == [], output
    assert "Nothing was changed:" in plain
    assert "Traceback" not in output
    assert token not in output
    assert live.records() == before


def test_records_of_the_stack_itself_are_not_those_of_others(live: Live) -> None:
    live.write()
    live.program()
    code, output = live.run("preview")
    assert code == 0, output
    assert "zones: " not in output
    assert "that is not this stack's" not in output


def test_records_of_a_live_domain_are_refused_and_told_before_anything(live: Live) -> None:
    """Case 28: SPF, DMARC, an MX and a CNAME that the domain has already."""

    def taken_in(mail: dict[str, Any]) -> None:
        mail["dns"]["zones"]["sub.example.test"] = CHILD
        mail["domains"]["sub.example.test"] = {"mailboxHost": "mailbox1", "recipients": []}

    name = "sub.example.test"
    rows: list[dict[str, Any]] = [
        {"type": "TXT", "name": name, "content": '"v=spf1 include:_spf.example.net ~all"'},
        {"type": "TXT", "name": f"_dmarc.{name}", "content": '"v=DMARC1; p=none"'},
        {"type": "MX", "name": name, "content": "aspmx.l.example.net", "priority": 5},
        {"type": "CNAME", "name": f"mta-sts.{name}", "content": "policy.example.net"},
    ]
    rows += [
        {"type": "A", "name": f"h{number}.{name}", "content": "192.0.2.1"} for number in range(1000)
    ]
    made = [{**row, "ttl": 300} for row in rows]
    ids = [each["id"] for each in live.api.batch(CHILD, {"posts": made})["posts"]]
    before = live.records()
    live.write(taken_in)
    live.program()
    for command in ("preview", "up"):
        code, output = live.run(command)
        plain = " ".join(output.split())
        assert code != 0
        for key, number in ((f"spf-{name}", ids[0]), (f"dmarc-{name}", ids[1])):
            assert f"`{key}: {number}` under dns.adopt" in plain
        assert live.records() == before
    # Taken over as they are, and the MX of theirs beside ours until it is taken away.
    live.program(RECORDS)

    def adopted(mail: dict[str, Any]) -> None:
        taken_in(mail)
        mail["domains"][name]["records"] = {
            "spf": "v=spf1 include:_spf.example.net ~all",
            "dmarc": "v=DMARC1; p=none",
        }
        mail["dns"]["ttlSeconds"] = 300
        mail["dns"]["adopt"] = {f"spf-{name}": ids[0], f"dmarc-{name}": ids[1]}

    live.write(adopted)
    code, output = live.run("up")
    assert code == 0, output
    told = "also goes to aspmx.l.example.net, preference 5: before mx1"
    assert told in " ".join(output.split())
    texts = [row["content"] for row in live.records()[CHILD].values() if row["type"] == "TXT"]
    assert sorted(texts) == sorted([made[0]["content"], made[1]["content"]])
    assert set(ids) <= set(live.records()[CHILD])
    live.api.batch(CHILD, {"deletes": [{"id": number} for number in ids[2:]]})
    live.write()
    assert live.run("up")[0] == 0


def test_a_record_that_moves_to_another_zone_is_there_before_it_goes_here(live: Live) -> None:
    def domain(mail: dict[str, Any]) -> None:
        mail["domains"]["sub.example.test"] = {"mailboxHost": "mailbox1", "recipients": []}

    def move(mail: dict[str, Any]) -> None:
        domain(mail)
        mail["dns"]["zones"]["sub.example.test"] = CHILD

    live.program(RECORDS)
    live.write(domain)
    assert live.run("up")[0] == 0
    seen = []
    change = live.api.change

    def watched(number: str, work: Any) -> Any:
        result = change(number, work)
        names = [
            (each["name"], each["type"], each["content"])
            for zone in live.records().values()
            for each in zone.values()
        ]
        seen.append(sum(name == "sub.example.test" for name, _, _ in set(names)))
        return result

    live.api.change = watched  # type: ignore[method-assign]
    live.write(move)
    code, output = live.run("up")
    live.api.change = change  # type: ignore[method-assign]
    assert code == 0, output
    assert len(seen) == 6
    assert set(seen) == {2}
    assert len(live.records()[CHILD]) == 3
    live.write()
    assert live.run("up")[0] == 0
