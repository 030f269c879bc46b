"""Records that were in another zone until now, through the whole program.

The engine deletes before it creates only where the program says so. A record that moves to another
zone must be there before it goes here, whatever its type.
"""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, Mocks

from components.host import held
from components.settings.environment import from_mapping
from components.stack import failures
from lab.cloudflare_api.app import SCOPES
from lab.cloudflare_api.state import Api
from tests.support.graph import Answers
from tests.support.mapping import mapping
from tests.support.serving import serving

PARENT, CHILD, GONE = "0" * 32, "5" * 31 + "b", "9" * 31 + "a"
NAME, ALIASED = "sub.example.test", "cname.sub.example.test"
ZONES = {"example.test": PARENT, NAME: CHILD, "gone.test": GONE}
TOKEN = "t" * 40
RECORD = "cloudflare:index/dnsRecord:DnsRecord"
ROOT = Path(__file__).parents[2]
Requests = dict[str, Any]
Run = Callable[..., Requests]


def settings(**zones: str) -> dict[str, Any]:
    """Two domains below one zone, one with an MTA-STS policy and one that points to it."""
    mail = mapping()
    mail["drift"] = {"read": False}
    mail["certificates"] = {"acceptTerms": True}
    mail["dns"] = {
        "privateAddresses": True,
        "zones": {"example.test": PARENT} | {name.replace("_", "."): zones[name] for name in zones},
        "records": {"spf": "v=spf1 mx -all", "dmarc": "v=DMARC1; p=reject"},
    }
    box = {"mailboxHost": "mailbox1", "recipients": ["alice"], "mtaSts": {"mode": "testing"}}
    mail["domains"][NAME] = box
    mail["domains"][ALIASED] = box | {"records": {"mtaStsCname": NAME}}
    return mail


class _World(Answers):
    """`state`: key of a record to the ID of the zone that it is in until now."""

    def __init__(self, state: dict[str, str]) -> None:
        self._state = state
        self.calls: list[str] = []

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        self.calls.append(args.token)
        if args.token == "pulumi:pulumi:readStackOutputs":
            return {"outputs": {}}, []
        if args.token.endswith(":nothing"):
            return {}, []
        assert args.token == "pulumi:pulumi:readStackResourceOutputs", args.token
        found = {
            f"urn:pulumi:test::mx::mx:dns:Dns${RECORD}::dns-{key}": {
                "type": RECORD,
                "outputs": {"id": f"{number:032x}", "zoneId": zone},
            }
            for number, (key, zone) in enumerate(self._state.items())
        }
        return {"outputs": found}, []


class _Recorder(MockMonitor):
    def __init__(self, world: Mocks) -> None:
        super().__init__(world)
        self.records: Requests = {}

    def RegisterResource(self, request: Any) -> Any:
        if request.type == RECORD:
            self.records[request.name.removeprefix("dns-")] = request
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run __main__.py with settings and the zones of the state; gives the requests of records."""
    api = Api(tmp_path / "api.json", ZONES, {TOKEN: SCOPES})
    with serving(api) as url:
        monkeypatch.setenv("CLOUDFLARE_API_TOKEN", TOKEN)
        # It changes the SDK for the rest of the process.
        monkeypatch.setattr(failures, "fail_at_the_end", lambda: None)

        def program(mail: dict[str, Any], state: dict[str, str]) -> Requests:
            held.resources.cache_clear()
            world = _World(state)
            recorder = _Recorder(world)
            pulumi.runtime.set_mocks(world, "mx", "test", preview=False, monitor=recorder)
            pulumi.runtime.set_all_config({"mx:mail": json.dumps(mail), "cloudflare:baseUrl": url})
            main = ROOT / "__main__.py"
            pulumi.runtime.test(lambda: runpy.run_path(str(main)) and None)()  # type: ignore[no-untyped-call]
            return recorder.records

        yield program
        pulumi.runtime.set_all_config({})
        held.resources.cache_clear()


def keys(mail: dict[str, Any], run: Run) -> dict[str, str]:
    """The records of settings, as a state has them after `up`."""
    return {key: str(each.object["zoneId"]) for key, each in run(mail, {}).items()}


def test_domain_that_moves_to_a_zone_of_its_own_is_there_before_it_goes_here(run: Run) -> None:
    before = keys(settings(), run)
    assert set(before.values()) == {PARENT}
    mail = settings(sub_example_test=CHILD)
    after = run(mail, before)
    assert set(after) == set(before)
    moved = {key for key, each in after.items() if each.object["zoneId"] == CHILD}
    below = {key for key, each in after.items() if str(each.object["name"]).endswith(NAME)}
    assert moved == below
    assert {f"mx-{NAME}-mx1", f"sts-{NAME}", f"sts-{ALIASED}", f"spf-{ALIASED}"} <= moved
    assert [key for key in moved if after[key].deleteBeforeReplace] == []
    # In the zone where it stays, a record that may become a CNAME cannot be there twice.
    assert after[f"sts-{NAME}"].object["type"] == "TXT"
    same = run(mail, {key: str(each.object["zoneId"]) for key, each in after.items()})
    twice = {key for key, each in same.items() if each.deleteBeforeReplace}
    assert twice == {f"sts-{NAME}", f"sts-{ALIASED}"}


def test_domain_that_moves_back_into_the_zone_above(run: Run) -> None:
    before = keys(settings(sub_example_test=CHILD), run)
    after = run(settings(), before)
    assert {str(each.object["zoneId"]) for each in after.values()} == {PARENT}
    moved = [key for key, zone in before.items() if zone == CHILD]
    assert len(moved) >= 12
    assert [key for key in moved if after[key].deleteBeforeReplace] == []


def test_record_that_was_adopted_in_the_former_zone_is_not_taken_over_again(run: Run) -> None:
    before = keys(settings(), run)
    mail = settings(sub_example_test=CHILD)
    mail["dns"]["adopt"] = {f"spf-{NAME}": "a" * 32}
    after = run(mail, before)
    assert after[f"spf-{NAME}"].object["zoneId"] == CHILD
    assert after[f"spf-{NAME}"].importId == ""
    # A record that the state does not have yet is taken over where it is now.
    new = run(mail, {key: zone for key, zone in before.items() if key != f"spf-{NAME}"})
    assert new[f"spf-{NAME}"].importId == f"{CHILD}/{'a' * 32}"


def test_zone_that_leaves_the_stack_is_not_asked_for_and_gets_no_record(run: Run) -> None:
    before = keys(settings(), run) | {"mx-gone.test-mx1": GONE, "spf-gone.test": GONE}
    after = run(settings(), before)
    assert set(before) - set(after) == {"mx-gone.test-mx1", "spf-gone.test"}
    assert {str(each.object["zoneId"]) for each in after.values()} == {PARENT}


def test_the_settings_of_this_test_are_right() -> None:
    assert from_mapping(settings()).zone_of(ALIASED) == "example.test"
    assert from_mapping(settings(sub_example_test=CHILD)).zone_of(ALIASED) == NAME
