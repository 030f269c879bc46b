"""`mx adopt` asks hosts that the state does not have for the keys that DNS announces."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from components.dns.data import txt
from components.settings.environment import Settings, from_mapping
from components.stack import zones
from tests.support.mapping import mapping
from tools.adopt.offers import find
from tools.mx import host_facts, hosts

ZONE, DIGEST = "example.test", "AB" * 32
DKIM = "v=DKIM1; k=rsa; p=MIIB" + "A" * 300
KEYS = json.dumps({"slots": {"ecdsa": {"a": DIGEST, "b": "CD" * 32}}})


def settings() -> Settings:
    values = mapping()
    values["dns"]["signedZones"] = [ZONE]
    return from_mapping(values)


def answering(monkeypatch: pytest.MonkeyPatch, out: str) -> None:
    def run(
        settings: Settings, keys: Iterable[str], line: str, stdin: str
    ) -> dict[str, tuple[int, str, str]]:
        assert stdin == "example.test mx1\n"
        return dict.fromkeys(keys, (0, out, ""))

    monkeypatch.setattr(hosts, "run", run)


def test_records_of_keys_that_the_host_has_are_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, f"{DKIM}\n{KEYS}\n")
    stack = settings()
    told = host_facts.read(stack, ["mx1"])
    there: list[dict[str, Any]] = [
        {"id": "d", "name": "mx1._domainkey.example.test", "type": "TXT", "content": txt(DKIM)},
        {
            "id": "t",
            "name": "_25._tcp.mx1.example.test",
            "type": "TLSA",
            "data": {"usage": 3, "selector": 1, "matching_type": 1, "certificate": DIGEST},
        },
    ]
    listed = {ZONE: [{"ttl": stack.dns.ttl_seconds} | each for each in there]}
    found = find(stack, zones.wanted(stack, {}, told), listed, {})
    assert [each.edits for each in found.offers] == [
        ((("dns", "adopt", "tlsa-mx1-ecdsa-a"), "t"),),
        ((("dns", "adopt", "dkim-example.test-mx1"), "d"),),
    ]
    # Without the host's word the record of the key is no offer.
    assert [each.edits for each in find(stack, zones.wanted(stack, {}), listed, {}).offers] == [()]


@pytest.mark.parametrize(
    "out",
    ["", "\n", 'v=DKIM1; k=rsa; p=\\"; rm\n[]', '\n{"slots": {"ecdsa": 1}}'],
    ids=["nothing", "no key", "hostile", "no slots"],
)
def test_what_a_host_does_not_tell_is_left_open(monkeypatch: pytest.MonkeyPatch, out: str) -> None:
    answering(monkeypatch, out)
    told = host_facts.read(settings(), ["mx1"])
    assert told.dkim == {"mx1": {}}
    assert told.tlsa == {"mx1": {}}
