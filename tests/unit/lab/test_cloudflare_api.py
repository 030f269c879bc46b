"""The double of Cloudflare's API, in process, through Cloudflare's own client."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudflare
import httpx
import pytest

from lab.cloudflare_api.__main__ import parse
from lab.cloudflare_api.app import DNS_READ, SCOPES, create_app, start
from lab.cloudflare_api.knot import Knot
from lab.cloudflare_api.state import Api

ZONE, NAME = "023e105f4ecef8ad9ca31a8372d0c353", "example.test"
TOKEN, READER = "w" * 40, "r" * 40
RECORDS = f"/zones/{ZONE}/dns_records"
TOKENS = {TOKEN: SCOPES, READER: frozenset({DNS_READ})}


class Double:
    """A running double and a client of it."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.server = start(api, "127.0.0.1", 0)
        self.origin = f"http://127.0.0.1:{self.server.port}"
        self.client = self.connect(TOKEN)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def connect(self, token: str, retries: int = 0) -> cloudflare.Cloudflare:
        url = f"{self.origin}/client/v4"
        return cloudflare.Cloudflare(api_token=token, base_url=url, max_retries=retries)

    def post(self, **body: Any) -> Any:
        body.setdefault("ttl", 300)
        answer: Any = self.client.post(RECORDS, body=body, cast_to=httpx.Response)
        return answer.json()["result"]

    def refused(self, call: Callable[[], Any]) -> tuple[int, int]:
        with pytest.raises(cloudflare.APIStatusError) as caught:
            call()
        response = caught.value.response
        return response.status_code, response.json()["errors"][0]["code"]

    def stop(self) -> None:
        self.client.close()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Double]:
    double = Double(Api(tmp_path / "state.json", {NAME: ZONE}, TOKENS))
    yield double
    double.stop()


def test_a_record_from_its_making_to_its_end(double: Double, tmp_path: Path) -> None:
    made = double.post(type="A", name="MX1.Example.Test.", content="192.0.2.1")
    assert (made["name"], made["proxiable"]) == ("mx1.example.test", True)
    path = f"{RECORDS}/{made['id']}"
    changed: Any = double.client.patch(path, body={"ttl": 600}, cast_to=httpx.Response)
    assert changed.json()["result"]["ttl"] == 600
    again = Api(tmp_path / "state.json", {NAME: ZONE}, TOKENS)
    assert again.data[ZONE]["records"][made["id"]]["ttl"] == 600
    assert [item.id for item in double.client.dns.records.list(zone_id=ZONE)] == [made["id"]]
    double.client.dns.records.delete(made["id"], zone_id=ZONE)
    assert double.refused(lambda: double.client.dns.records.get(made["id"], zone_id=ZONE)) == (
        404,
        81044,
    )


@pytest.mark.parametrize(
    ("kind", "body", "content"),
    [
        ("TXT", {"content": "v=STSv1; id=1;"}, '"v=STSv1; id=1;"'),
        ("TXT", {"content": '"a" "b"'}, '"a" "b"'),
        ("TXT", {"content": "x" * 300}, f'"{"x" * 255}" "{"x" * 45}"'),
        ("MX", {"content": "MX1.example.test.", "priority": 10}, "mx1.example.test"),
        ("MX", {"content": ".", "priority": 0}, "."),
        ("AAAA", {"content": "2001:DB8:0::1"}, "2001:db8::1"),
        (
            "TLSA",
            {"data": {"usage": 3, "selector": 1, "matching_type": 1, "certificate": "ab" * 32}},
            f"3 1 1 {'AB' * 32}",
        ),
        (
            "SSHFP",
            {"data": {"algorithm": 4, "type": 2, "fingerprint": "ab" * 32}},
            f"4 2 {'AB' * 32}",
        ),
        ("CAA", {"data": {"flags": "0", "tag": "issue", "value": "a.test"}}, '0 issue "a.test"'),
        (
            "SRV",
            {"data": {"priority": 1, "weight": 2, "port": 3, "target": "A.test."}},
            "2 3 a.test",
        ),
    ],
)
def test_content(kind: str, body: dict[str, Any], content: str, double: Double) -> None:
    assert double.post(type=kind, name="a", **body)["content"] == content


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"type": "A", "content": "192.0.2.256"}, 9005),
        ({"type": "A", "content": ""}, 9005),
        ({"type": "A", "content": "192.0.2.9", "ttl": 59}, 9021),
        ({"type": "MX", "content": "a.test"}, 9100),
        ({"type": "TLSA", "data": {"usage": 3}}, 9101),
        ({"type": "NOPE", "content": "a"}, 9004),
        ({"type": "TXT", "content": "a", "proxied": True}, 9004),
        ({"type": "A", "content": "192.0.2.1", "name": "elsewhere.test."}, 9000),
        ({"type": "A", "content": "192.0.2.1", "name": "there"}, 81058),
        ({"type": "CNAME", "content": "a.test", "name": "there"}, 81053),
        ({"type": "A", "content": "192.0.2.1", "name": "alias"}, 81054),
    ],
)
def test_refused(body: dict[str, Any], code: int, double: Double) -> None:
    double.post(type="A", name="there", content="192.0.2.1")
    double.post(type="CNAME", name="alias", content="a.test")
    assert double.refused(lambda: double.post(**{"name": "new", **body})) == (400, code)


def test_filters_and_pages(double: Double) -> None:
    for number in range(5):
        double.post(type="A", name="a", content=f"192.0.2.{number}")
    double.post(type="TXT", name="b", content="x")

    def get(**query: Any) -> Any:
        options: Any = {"params": query}
        return double.client.get(RECORDS, options=options, cast_to=httpx.Response).json()

    assert len(get(name="a.example.test")["result"]) == 5
    assert len(get(type="TXT")["result"]) == 1
    assert len(get(content="192.0.2.3")["result"]) == 1
    page = get(page=2, per_page=4)
    assert len(page["result"]) == 2
    assert page["result_info"]["total_pages"] == 2


def test_batch_is_all_or_nothing(double: Double) -> None:
    old = double.post(type="A", name="a", content="192.0.2.1")
    new = {"type": "A", "name": "a", "content": "192.0.2.1", "ttl": 60}

    def batch(**body: Any) -> Any:
        answer: Any = double.client.post(f"{RECORDS}/batch", body=body, cast_to=httpx.Response)
        return answer.json()["result"]

    deletes = [{"id": old["id"]}]
    assert double.refused(lambda: batch(deletes=deletes, posts=[new, new])) == (400, 81058)
    assert list(double.api.data[ZONE]["records"]) == [old["id"]]
    made = batch(deletes=deletes, posts=[new])["posts"][0]
    assert list(double.api.data[ZONE]["records"]) == [made["id"]]


def test_tokens(double: Double) -> None:
    reader, stranger = double.connect(READER), double.connect("x" * 40)
    assert list(reader.dns.records.list(zone_id=ZONE)) == []
    body = {"type": "A", "name": "a", "content": "192.0.2.1", "ttl": 60}
    assert double.refused(lambda: reader.post(RECORDS, body=body, cast_to=httpx.Response)) == (
        403,
        10000,
    )
    assert double.refused(lambda: reader.zones.get(zone_id=ZONE)) == (403, 10000)
    assert double.refused(lambda: stranger.zones.get(zone_id=ZONE)) == (403, 9109)
    assert double.refused(stranger.user.tokens.verify) == (401, 1000)
    verified = reader.user.tokens.verify()
    assert verified is not None
    assert verified.status == "active"
    reader.close()
    stranger.close()


def test_zones(double: Double) -> None:
    assert [zone.id for zone in double.client.zones.list(name=NAME)] == [ZONE]
    assert list(double.client.zones.list(name="other.test")) == []
    zone = double.client.zones.get(zone_id=ZONE)
    assert zone is not None
    assert zone.name == NAME
    assert double.refused(lambda: double.client.zones.get(zone_id="0" * 32)) == (403, 9109)
    assert double.refused(lambda: double.client.zones.get(zone_id="x")) == (404, 7003)


def test_dnssec_is_pending_until_the_parent_has_the_ds(double: Double, tmp_path: Path) -> None:
    def status() -> Any:
        answer = double.client.dns.dnssec.get(zone_id=ZONE)
        assert answer is not None
        return answer.status

    assert status() == "disabled"
    made = double.client.dns.dnssec.edit(zone_id=ZONE, status="active")
    assert made is not None
    assert made.ds == f"{NAME}. 3600 IN DS {int(made.key_tag or 0)} 13 2 {made.digest}"
    assert status() == "pending"
    knotc = tmp_path / "knotc"
    knotc.write_text("#!/bin/sh\nexit 1\n")
    knotc.chmod(0o755)
    double.api.knot = Knot(str(knotc), "false")
    assert status() == "pending"
    read = f"[test.] {NAME}. 3600 DS {int(made.key_tag or 0)} 13 2 {made.digest}"
    knotc.write_text(f'#!/bin/sh\n[ "$*" = "zone-read test. {NAME}. DS" ] && echo "{read}"\n')
    assert status() == "active"
    # Asked for again, it stays what it is.
    double.client.dns.dnssec.edit(zone_id=ZONE, status="active")
    assert status() == "active"
    double.client.dns.dnssec.delete(zone_id=ZONE)
    assert status() == "disabled"


def test_faults_and_the_rate(double: Double) -> None:
    fault = {"status": 429, "count": 1, "path": "/dns_records$"}
    httpx.post(f"{double.origin}/_lab/faults", json=fault).raise_for_status()
    with double.connect(TOKEN, retries=1) as patient:
        assert list(patient.dns.records.list(zone_id=ZONE)) == []
    httpx.post(f"{double.origin}/_lab/faults", json={"status": 500}).raise_for_status()
    assert double.refused(lambda: double.client.zones.get(zone_id=ZONE)) == (500, 10013)
    double.api.rate = 0
    with pytest.raises(cloudflare.RateLimitError) as caught:
        double.client.zones.get(zone_id=ZONE)
    assert int(caught.value.response.headers["Retry-After"]) > 0


def test_knot_is_told_and_may_refuse(tmp_path: Path) -> None:
    log, knotc = tmp_path / "log", tmp_path / "knotc"
    knotc.write_text(
        f'#!/bin/sh\necho "$@" >>{log}\n'
        'case "$*" in *192.0.2.66*) echo "error: no" >&2; exit 1; esac\n'
    )
    knotc.chmod(0o755)
    api = Api(tmp_path, {NAME: ZONE}, TOKENS, Knot(str(knotc), "false"))
    client = create_app(api).test_client()
    headers = {"Authorization": f"Bearer {TOKEN}"}

    def post(content: str) -> Any:
        body = {"type": "A", "name": "a", "content": content, "ttl": 1}
        return client.post(f"/client/v4{RECORDS}", json=body, headers=headers)

    assert post("192.0.2.1").status_code == 200
    assert log.read_text().splitlines() == [
        f"zone-begin {NAME}",
        f"zone-set {NAME} a.{NAME}. 300 A 192.0.2.1",
        f"zone-commit {NAME}",
    ]
    log.write_text("")
    assert post("192.0.2.66").status_code == 400
    assert log.read_text().splitlines()[-1] == f"zone-abort {NAME}"
    kept = json.loads((tmp_path / "state.json").read_text())[ZONE]["records"]
    assert [item["content"] for item in kept.values()] == ["192.0.2.1"]
    log.write_text("")
    Api(tmp_path, {NAME: ZONE}, TOKENS, Knot(str(knotc), "false"))
    assert log.read_text().splitlines()[1] == f"zone-set {NAME} a.{NAME}. 300 A 192.0.2.1"


def test_command_line() -> None:
    words = ["--listen", "127.0.0.1:80", "--state", "s", "--zone", f"{NAME}={ZONE}"]
    options = parse([*words, "--token", "t:Zone:Read,DNS:Read", "--token", "u", "--knot"])
    assert options.tokens == {"t": {"Zone:Read", "DNS:Read"}, "u": SCOPES}
    assert options.zones == {NAME: ZONE}
