"""`mx check` says before any `up` whether the token can do what an `up` needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.dns.api import DnsApi
from lab.cloudflare_api.app import DNS_READ, SCOPES, ZONE_READ
from lab.cloudflare_api.state import Api
from tests.support.serving import serving
from tests.unit.tools.mx.test_first_day import settings
from tools.mx import engine, zones_api
from tools.mx.verb_check import _zones

READS, WRITES = "r" * 40, "w" * 40


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    tokens = {READS: frozenset({ZONE_READ, DNS_READ}), WRITES: SCOPES}
    zones = {"example.org": "2" * 32}
    with serving(Api(tmp_path_factory.mktemp("api") / "api.json", zones, tokens)) as url:
        yield url


@pytest.mark.parametrize(
    ("token", "level", "words"),
    [
        (READS, "fault", "may read the zone's records and not change them"),
        ("x" * 40, "fault", "Cloudflare does not know this token. It is CLOUDFLARE_API_TOKEN"),
        (WRITES, "ok", "the token may change the zone, which is active"),
    ],
)
def test_token_is_tried_for_what_up_needs(
    url: str, monkeypatch: pytest.MonkeyPatch, token: str, level: str, words: str
) -> None:
    monkeypatch.setattr(engine, "install", lambda: None)
    api = DnsApi(url, {"example.org": token})
    monkeypatch.setattr(zones_api, "of", lambda stack, mail: api)
    lines = [*_zones(settings(), "example")]
    assert [(line.level, line.subject) for line in lines] == [(level, "example.org")]
    assert words in lines[0].what
