"""`mx check` says before any `up` whether the token can do what an `up` needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.dns.api import DnsApi
from components.dns.records import records
from components.settings.environment import from_mapping
from lab.cloudflare_api.app import DNS_READ, SCOPES, ZONE_READ
from lab.cloudflare_api.state import Api
from tests.support.serving import serving
from tests.unit.tools.mx.test_first_day import answers, settings
from tools.mx import engine, init_file, zones_api
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


def _txt(name: str, content: str) -> dict[str, Any]:
    return {"name": name, "type": "TXT", "content": f'"{content}"', "ttl": 300}


def _mx(content: str, priority: int) -> dict[str, Any]:
    return {
        "name": "example.org",
        "type": "MX",
        "content": content,
        "priority": priority,
        "ttl": 300,
    }


def _notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *there: dict[str, Any]
) -> list[tuple[str, str]]:
    """What is said of a zone that has these records."""
    number = "2" * 32
    api = Api(tmp_path / "api.json", {"example.org": number}, {WRITES: SCOPES})
    api.batch(number, {"posts": list(there)})
    monkeypatch.setattr(engine, "install", lambda: None)
    with serving(api) as url:
        asked = DnsApi(url, {"example.org": WRITES})
        monkeypatch.setattr(zones_api, "of", lambda stack, mail: asked)
        lines = [*_zones(settings(), "example")]
    return [(line.what, line.cure) for line in lines if line.level != "ok"]


def _published() -> list[dict[str, Any]]:
    """The records of the stack that the command looks at, as the API has them."""
    found = []
    for row in records(settings()):
        if row.name in ("example.org", "_dmarc.example.org") and row.type in ("MX", "TXT"):
            one = {"name": row.name, "type": row.type, "content": row.content, "ttl": 300}
            found.append(one | ({"priority": row.priority} if row.type == "MX" else {}))
    assert {one["type"] for one in found} == {"MX", "TXT"}
    return found


def test_two_spf_records_are_a_fault_whoever_made_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = (*_published(), _txt("example.org", "v=spf1 a -all"))
    assert _notices(tmp_path, monkeypatch, *there)[0] == (
        "example.org has 2 SPF records, and receivers ignore all of them",
        "remove all but the right one at Cloudflare (RFC 7208 section 4.5, RFC 9989)",
    )


def test_records_of_the_stack_itself_are_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _notices(tmp_path, monkeypatch, *_published()) == []


@pytest.mark.parametrize(
    ("record", "what", "cure"),
    [
        (
            _mx("mx1.example.org", 99),
            "DNS has example.org MX 99 mx1.example.org; the stack file gives it the preference 10",
            "see `mx drift example`",
        ),
        (
            _mx("mail.other.test", 5),
            "DNS has example.org MX 5 mail.other.test",
            "the record stays, and its host gets mail beside the stack's",
        ),
        (
            _txt("example.org", "v=spf1 ip4:5.9.1.1 -all"),
            "DNS has example.org TXT v=spf1 ip4:5.9.1.1 -all",
            "`mx adopt example` takes over",
        ),
        (
            _txt("_dmarc.example.org", "v=DMARC1; p=reject"),
            "DNS has _dmarc.example.org TXT v=DMARC1; p=reject",
            "`mx adopt example` takes over",
        ),
    ],
)
def test_other_record_has_a_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: dict[str, Any], what: str, cure: str
) -> None:
    ((said, do),) = _notices(tmp_path, monkeypatch, record)
    assert said == what
    assert do.startswith(cure)


def test_record_of_a_kind_that_the_stack_does_not_publish_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = yaml.safe_load(init_file.text(answers()))["config"]["mx:mail"]
    document["dns"]["records"]["spf"] = "none"
    none = from_mapping(document)
    monkeypatch.setattr("tests.unit.tools.mx.test_check_zones.settings", lambda: none)
    ((_, cure),) = _notices(tmp_path, monkeypatch, _txt("example.org", "v=spf1 -all"))
    assert cure.startswith("nothing: the stack publishes none")


def test_mx_record_of_a_host_that_leaves_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = yaml.safe_load(init_file.text(answers()))["config"]["mx:mail"]
    document["domains"]["example.org"] |= {"mx": ["mx2"], "leavingMx": ["mx1"]}
    leaving = from_mapping(document)
    monkeypatch.setattr("tests.unit.tools.mx.test_check_zones.settings", lambda: leaving)
    ((what, cure),) = _notices(tmp_path, monkeypatch, _mx("mx1.example.org", 10))
    assert "names a host of this stack and is not in the stack file" in what
    assert cure.startswith("see `mx preview example`")
