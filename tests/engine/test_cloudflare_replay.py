"""The stand-in of the cloudflare plug-in, against what the original answered and sent.

Every recorded call is played to the stand-in; a scripted server gives the recorded answers. Not
compared: the order of requests that the engine ran beside each other.
"""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import json_format  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2

from lab.engine.cloudflare import CloudflareProvider
from lab.engine.cloudflare_properties import DNSSEC, RECORD
from lab.engine.plugin import from_struct, to_struct
from tests.corpus.play import REQUESTS, TOKEN, served
from tests.support.serving import running

pytestmark = pytest.mark.engine

SCENARIOS = sorted((Path(__file__).parent / "traces" / "cloudflare").glob("*.json"))
URN = f"urn:pulumi:dev::t::{RECORD}::x"
ZONE = "023e105f4ecef8ad9ca31a8372d0c353"


class Script:
    """A server that answers each recorded request as recorded, once."""

    def __init__(self) -> None:
        self.left: list[dict[str, Any]] = []
        self.unexpected: list[Any] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                status, response = script.take(self.command, self.path, body)
                if self.headers["Authorization"] != f"Bearer {TOKEN}":
                    status = 403
                text = json.dumps(response).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/client/v4"

    def take(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """The recorded answer to a request."""
        for item in self.left:
            if (item["method"], item["path"], item["body"]) == (method, path, body):
                self.left.remove(item)
                return item["status"], item["response"]
        self.unexpected.append((method, path, body))
        return 404, {"success": False, "errors": [{"code": 81044, "message": "not recorded"}]}


@pytest.fixture
def script() -> Iterator[Script]:
    script = Script()
    with running(script.server):
        yield script


@pytest.fixture
def stub() -> Iterator[Any]:
    with served(CloudflareProvider()) as stub:
        yield stub


def fill(value: Any, url: str) -> Any:
    """The recorded value with this test's server and token in it."""
    text = json.dumps(value).replace("${API_TOKEN}", TOKEN).replace("${BASE_URL}", url)
    return json.loads(text)


def play(stub: Any, method: str, request: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Play one call: the answer and the errors, as the recording has them."""
    try:
        answer = getattr(stub, method)(
            json_format.ParseDict(request, REQUESTS[method]()), timeout=30
        )
    except grpc.RpcError as error:
        name = {"UNKNOWN": "Unknown", "UNIMPLEMENTED": "Unimplemented"}[error.code().name]
        return {}, [f"rpc error: code = {name} desc = {error.details()}"]
    return json_format.MessageToDict(answer), []


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) == 15


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_replay(path: Path, script: Script, stub: Any) -> None:
    recorded = fill(json.loads(path.read_text()), script.url)
    script.left = list(recorded.get("http", []))
    for call in recorded["calls"]:
        answer, errors = play(stub, call["method"], call["request"])
        assert script.unexpected == []
        assert errors == call.get("errors", []), call["method"]
        wanted = call.get("response", {})
        for side in (answer, wanted):
            if "diffs" in side:
                side["diffs"] = sorted(side["diffs"])
        assert answer == wanted, (call["method"], call["request"].get("name"))
    assert script.left == []


def configure(stub: Any, url: str) -> None:
    arguments = to_struct({"apiToken": TOKEN, "baseUrl": url})
    stub.Configure(provider_pb2.ConfigureRequest(args=arguments))


@pytest.mark.parametrize(
    ("more", "begins"),
    [
        ({}, []),
        ({"content": "a", "data": {"value": "b"}}, ["Invalid Attribute Combination."] * 2),
        ({"content": "a"}, []),
        ({"content": "a", "ttl": None}, ["Missing required property 'ttl': "]),
        ({"content": "a", "type": "ALIAS"}, ["Invalid Attribute Value Match. Attribute type"]),
        ({"content": "a", "priority": 65536}, ["Invalid Attribute Value. Attribute priority"]),
    ],
)
def test_check(more: dict[str, Any], begins: list[str], stub: Any) -> None:
    news = {"name": "a.example.test", "type": "TXT", "ttl": 60, "zoneId": ZONE, **more}
    request = provider_pb2.CheckRequest(urn=URN, type=RECORD, news=to_struct(news))
    reasons = [item.reason for item in stub.Check(request).failures]
    assert len(reasons) == len(begins)
    for reason, begin in zip(reasons, begins, strict=True):
        assert reason.startswith(begin)


def test_check_of_a_pending_zone(stub: Any) -> None:
    urn = f"urn:pulumi:dev::t::{DNSSEC}::x"
    news = to_struct({"zoneId": ZONE, "status": "pending"})
    answer = stub.Check(provider_pb2.CheckRequest(urn=urn, type=DNSSEC, news=news))
    assert [item.reason for item in answer.failures] == [
        'Invalid Attribute Value Match. Attribute status value must be one of: ["active" '
        '"disabled"], got: "pending". Examine values at \'x.status\'.'
    ]


@pytest.mark.parametrize("key", ["type", "zoneId"])
def test_another_type_or_zone_replaces(key: str, stub: Any) -> None:
    olds = {"name": "a.example.test", "type": "A", "ttl": 60, "zoneId": ZONE, "content": "::1"}
    request = provider_pb2.DiffRequest(
        urn=URN, type=RECORD, olds=to_struct(olds), news=to_struct({**olds, key: "x"})
    )
    assert list(stub.Diff(request).replaces) == [key]


def test_read_of_a_missing_record_drops_it(script: Script, stub: Any) -> None:
    configure(stub, script.url)
    state = to_struct({"id": "0", "zoneId": ZONE})
    answer = stub.Read(provider_pb2.ReadRequest(id="0", urn=URN, type=RECORD, properties=state))
    assert answer.id == ""
    assert script.unexpected == [("GET", f"/client/v4/zones/{ZONE}/dns_records/0", None)]


def test_import(script: Script, stub: Any) -> None:
    configure(stub, script.url)
    path = f"/client/v4/zones/{ZONE}/dns_records/1"
    record: dict[str, Any] = {
        "id": "1",
        "name": "a.example.test",
        "type": "MX",
        "content": "b.example.test",
    }
    record |= {"priority": 10, "ttl": 60, "proxied": False, "tags": [], "settings": {}}
    exchange = {"method": "GET", "path": path, "body": None, "status": 200}
    script.left = [{**exchange, "response": {"result": record, "success": True}}] * 2
    answer = stub.Read(provider_pb2.ReadRequest(id=f"{ZONE}/1", urn=URN, type=RECORD))
    assert answer.id == "1"
    assert from_struct(answer.inputs) == {
        "name": "a.example.test",
        "type": "MX",
        "content": "b.example.test",
        "priority": 10,
        "ttl": 60,
        "zoneId": ZONE,
    }


def test_an_error_of_the_api(script: Script, stub: Any) -> None:
    configure(stub, script.url)
    inputs = {"name": "a", "type": "TXT", "ttl": 60, "zoneId": ZONE, "content": "b"}
    request = provider_pb2.CreateRequest(urn=URN, type=RECORD, properties=to_struct(inputs))
    with pytest.raises(grpc.RpcError) as caught:
        stub.Create(request)
    wanted = f'failed to make http request: POST "{script.url}/zones/{ZONE}/dns_records": 404 '
    assert caught.value.details().startswith(wanted)


def test_the_form_of_a_token(stub: Any) -> None:
    news = to_struct({"apiToken": "short"})
    answer = stub.CheckConfig(provider_pb2.CheckRequest(news=news))
    assert [item.property for item in answer.failures] == ["apiToken"]
