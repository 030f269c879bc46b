"""Zones are read side by side, and what a token may do is known in previews too."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from components.dns import zones
from components.dns.api import DnsApi
from components.dns.client import Client
from lab.cloudflare_api.app import DNS_READ, SCOPES, ZONE_READ
from lab.cloudflare_api.state import Api
from tests.support.serving import serving

ZONES = {"a.test": "a" * 32, "b.test": "b" * 32}
WRITES, READS = "w" * 40, "r" * 40
TOKENS: dict[str, Any] = {WRITES: SCOPES, READS: frozenset({ZONE_READ, DNS_READ})}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(Api(tmp_path_factory.mktemp("api") / "api.json", ZONES, TOKENS)) as url:
        yield url


def looked(url: str, token: str, write: bool, read_records: bool = True) -> zones.Look:
    return zones.look(ZONES, DnsApi(url, dict.fromkeys(ZONES, token)), write, read_records)


@pytest.mark.parametrize("read_records", [True, False])
def test_token_that_only_reads_is_enough_for_a_preview(url: str, read_records: bool) -> None:
    found = looked(url, READS, False, read_records)
    assert found.faults == []
    assert found.reads_only == set(ZONES)


def test_token_that_only_reads_is_refused_for_up_at_each_zone(url: str) -> None:
    found = looked(url, READS, True)
    assert len(found.faults) == 2
    assert all("`up` needs the scope Zone > DNS > Edit" in line for line in found.faults)


def test_token_that_writes(url: str) -> None:
    found = looked(url, WRITES, True)
    assert (found.faults, found.reads_only, set(found.records)) == ([], frozenset(), set(ZONES))


def test_slow_zones_are_waited_for_together(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No request waits for another one: each is asked before any is answered."""
    together = threading.Barrier(5)
    call = Client.call

    def met(self: Client, verb: str, path: str, body: Any = None) -> Any:
        together.wait(timeout=60)
        return call(self, verb, path, body)

    monkeypatch.setattr(Client, "call", met)
    assert looked(url, WRITES, True).faults == []
