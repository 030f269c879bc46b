"""What is taken over of what a killed run left at the DNS API."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml

from components.dns.client import Client, Refused
from components.settings import stack_file
from tests.support.mapping import mapping
from tools import records as bulk

TYPE = "cloudflare:index/dnsRecord:DnsRecord"
URN = f"urn:pulumi:test::mx::mx:dns:Dns${TYPE}::dns-"
TXT: dict[str, Any] = {
    "name": "a.test",
    "type": "TXT",
    "content": '"x"',
    "ttl": 300,
    "proxied": False,
}
TLSA: dict[str, Any] = {
    "name": "_25._tcp.a.test",
    "type": "TLSA",
    "data": {"usage": 3, "selector": 1, "matchingType": 1, "certificate": "AB"},
    "ttl": 300,
    "proxied": False,
}
# As the API tells of it.
TLSA_PRESENT: dict[str, Any] = {
    **TLSA,
    "content": "3 1 1 AB",
    "data": {"usage": 3, "selector": 1, "matching_type": 1, "certificate": "AB"},
    "id": "2" * 32,
}


def preview(*steps: tuple[str, str, dict[str, Any]], kind: str = TYPE) -> str:
    return json.dumps(
        {
            "steps": [
                {"op": op, "urn": URN + key, "newState": {"type": kind, "inputs": inputs}}
                for op, key, inputs in steps
            ]
        }
    )


class Api(Client):
    """The API's client, answered by a double that has these pages of records, by zone ID."""

    def __init__(self, pages: dict[str, list[list[dict[str, Any]]]]) -> None:
        super().__init__("token", "http://api.test")
        self._pages = pages

    def call(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        zone, query = path.split("/")[1], parse_qs(path.partition("?")[2])
        if zone not in self._pages:
            raise Refused(403, f"{verb} {path}: 403 Invalid access token")
        page = self._pages[zone][int(query["page"][0]) - 1]
        return {"result": page, "result_info": {"total_pages": len(self._pages[zone])}}


def test_only_records_that_would_be_created_are_looked_for() -> None:
    steps = preview(("create", "spf-a.test", TXT), ("update", "b", TXT), ("same", "c", TXT))
    assert bulk.creates(steps) == ({f"{URN}spf-a.test": TXT}, [])
    hosts = preview(("create", "mx1-agent", {}), kind="command:remote:Command")
    assert bulk.creates(hosts) == ({}, [])


def test_a_record_that_waits_for_a_change_is_left_to_the_next_up() -> None:
    def step(op: str, key: str, *needs: str) -> dict[str, Any]:
        state = {"type": TYPE, "inputs": TXT, "dependencies": [URN + need for need in needs]}
        return {"op": op, "urn": URN + key, "newState": state}

    steps = [
        step("same", "sts-a.test"),
        step("update", "sts-b.test"),
        step("create", "sts-c.test"),
        step("create", "mx-a.test", "sts-a.test"),
        step("create", "mx-b.test", "sts-b.test"),
        step("create", "mx-c.test", "sts-c.test"),
        step("create", "later", "mx-b.test"),
        {"op": "delete", "urn": URN + "gone", "oldState": {}},
    ]
    found, waiting = bulk.creates(json.dumps({"steps": steps}))
    assert list(found) == [URN + key for key in ("sts-c.test", "mx-a.test", "mx-c.test")]
    assert waiting == [URN + key for key in ("mx-b.test", "later")]


def test_an_mx_record_waits_for_the_database_of_its_host() -> None:
    """The rows of a new domain change the database, and leave the manifest of Postfix as it is."""
    command = "urn:pulumi:test::mx::command:remote:Command::mx1-"

    def step(op: str, urn: str, kind: str, *needs: str) -> dict[str, Any]:
        state = {"type": kind, "inputs": TXT, "dependencies": list(needs)}
        return {"op": op, "urn": urn, "newState": state}

    steps = [
        step("update", f"{command}mail-database", "command:remote:Command"),
        step(
            "create", f"{URN}mx-new.test-mx1", TYPE, f"{command}postfix", f"{command}mail-database"
        ),
        step("create", f"{URN}mx-b.test", TYPE),
    ]
    found, waiting = bulk.creates(json.dumps({"steps": steps}))
    assert list(found) == [f"{URN}mx-b.test"]
    assert waiting == [f"{URN}mx-new.test-mx1"]


@pytest.mark.parametrize("text", ["", "error: no", '{"diagnostics": []}', "[]"])
def test_a_preview_that_failed_is_no_empty_one(text: str) -> None:
    with pytest.raises(bulk.Unread, match="the preview failed"):
        bulk.creates(text)


@pytest.mark.parametrize(
    ("wanted", "present", "expected"),
    [
        (TXT, {**TXT, "id": "1"}, True),
        (TXT, {**TXT, "ttl": 60}, False),
        (TXT, {**TXT, "content": '"y"'}, False),
        (TXT, {**TXT, "type": "CNAME"}, False),
        (TXT, {**TXT, "proxied": True}, False),
        ({**TXT, "priority": 10}, {**TXT, "priority": 20}, False),
        (TLSA, TLSA_PRESENT, True),
        (TLSA, {**TLSA_PRESENT, "data": {**TLSA_PRESENT["data"], "usage": 2}}, False),
        (TLSA, TXT | {"name": TLSA["name"], "type": "TLSA"}, False),
    ],
)
def test_the_same_record(wanted: Any, present: Any, expected: bool) -> None:
    assert bulk.same(wanted, present) is expected


def test_every_page_of_every_zone_is_read() -> None:
    wanted = {"a": {**TXT, "zoneId": "z1"}, "b": {**TLSA, "zoneId": "z2"}}
    other = {**TXT, "content": '"other"', "id": "3" * 32}
    client = Api({"z1": [[other], [{**TXT, "id": "1" * 32}]], "z2": [[TLSA_PRESENT]]})
    found = bulk.present(wanted, {"z1": client, "z2": client})
    assert found == {"a": "1" * 32, "b": "2" * 32}


def test_an_api_that_refuses_is_said() -> None:
    with pytest.raises(bulk.Unread, match=r"zone z9: GET .*: 403 Invalid access token"):
        bulk.present({"a": {**TXT, "zoneId": "z9"}}, {"z9": Api({})})


def test_what_is_written_for_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stack_file, "_ROOT", tmp_path)
    (tmp_path / "stacks").mkdir()
    config = {"mx:mail": mapping(), "cloudflare:apiToken": {"secure": "v1:abc"}}
    text = yaml.safe_dump({"encryptionsalt": "v1:salt", "config": config})
    (tmp_path / "stacks/Pulumi.test.yaml").write_text(text)
    zone = next(iter(mapping()["dns"]["zones"].values()))
    new, there = {**TXT, "zoneId": zone, "content": '"new"'}, {**TXT, "zoneId": zone}
    steps = json.loads(
        preview(("create", "a", new), ("create", "b", there), ("update", "c", there))
    )
    later = {"type": TYPE, "inputs": new, "dependencies": [f"{URN}c"]}
    steps["steps"].append({"op": "create", "urn": f"{URN}mx-later", "newState": later})
    (tmp_path / "preview").write_text(json.dumps(steps))
    client = Api({zone: [[{**TXT, "id": "1" * 32}]]})
    monkeypatch.setattr("tools.dns_api.clients", lambda *_: {zone: client})
    monkeypatch.setattr("sys.stdin", io.StringIO("{}"))
    assert bulk.main("test", tmp_path) == 0
    assert (tmp_path / "targets").read_text() == f"{URN}a\n{URN}b\n"
    # Of JSON no reader of YAML takes a string of digits, as a zone ID may be, for a number.
    written = json.loads((tmp_path / "config.yaml").read_text())
    assert written["config"]["mx:mail"]["dns"].pop("adopt") == {"b": "1" * 32}
    assert written == yaml.safe_load(text)
    printed = capsys.readouterr().out
    assert "2 are missing in the state, and 1 of them exist at the API" in printed
    assert "1 more wait for a change of a host or of another record; `up` makes them: mx-later" in (
        printed
    )
