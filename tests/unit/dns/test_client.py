"""The one client of Cloudflare's API, against the lab's double of that API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.dns import client as module
from components.dns.client import Client, Refused, Silent
from lab.cloudflare_api.app import SCOPES
from lab.cloudflare_api.state import Api
from tests.support.serving import serving

ZONE, TOKEN = "023e105f4ecef8ad9ca31a8372d0c353", "t" * 40


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    api = Api(tmp_path_factory.mktemp("api") / "api.json", {"example.org": ZONE}, {TOKEN: SCOPES})
    rows = [
        {"type": "TXT", "name": f"h{number}.example.org", "content": '"x"', "ttl": 300}
        for number in range(5)
    ]
    api.batch(ZONE, {"posts": rows})
    with serving(api) as url:
        yield url


def test_zone_of_a_domain_is_the_longest_name_that_the_token_reaches(url: str) -> None:
    client = Client(TOKEN, url)
    found = client.zone_for("lists.example.org")
    assert found is not None
    assert (found["name"], found["id"]) == ("example.org", ZONE)
    assert client.zone_for("example.net") is None
    assert client.zone(ZONE)["name"] == "example.org"


def test_every_page_of_a_zone_is_read(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECORDS_A_PAGE", 2)
    client = Client(TOKEN, url)
    assert len(list(client.records(ZONE))) == 5
    assert len(list(client.records(ZONE, name="h3.example.org"))) == 1


def test_token_without_scope_is_one_sentence(url: str) -> None:
    with pytest.raises(Refused, match=rf"^GET zones/{ZONE}: 403 .*Invalid access token"):
        Client("u" * 40, url).zone(ZONE)


def test_an_api_that_nobody_serves_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSES_SECONDS", ())
    with pytest.raises(Silent, match=r"http://127\.0\.0\.1:9/zones/1: .*refused"):
        Client(TOKEN, "http://127.0.0.1:9").zone("1")
