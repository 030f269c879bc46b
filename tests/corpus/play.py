"""Puts recorded calls to a stand-in in this process, and compares what it answers."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2, json_format  # type: ignore[import-untyped]
from pulumi.runtime.proto import engine_pb2, provider_pb2, provider_pb2_grpc

from lab.engine.plugin import OPTIONS, new_server
from tests.corpus.double import Double
from tests.corpus.scenario import Names, whole

TOKEN = "A" * 40
REQUESTS: dict[str, Any] = {
    "Handshake": provider_pb2.ProviderHandshakeRequest,
    "GetPluginInfo": empty_pb2.Empty,
    "GetSchema": provider_pb2.GetSchemaRequest,
    "GetMapping": provider_pb2.GetMappingRequest,
    "GetMappings": provider_pb2.GetMappingsRequest,
    "Parameterize": provider_pb2.ParameterizeRequest,
    "Attach": None,
    "Cancel": empty_pb2.Empty,
    "Construct": provider_pb2.ConstructRequest,
    "Call": provider_pb2.CallRequest,
    "CheckConfig": provider_pb2.CheckRequest,
    "DiffConfig": provider_pb2.DiffRequest,
    "Configure": provider_pb2.ConfigureRequest,
    "Check": provider_pb2.CheckRequest,
    "Diff": provider_pb2.DiffRequest,
    "Create": provider_pb2.CreateRequest,
    "Update": provider_pb2.UpdateRequest,
    "Delete": provider_pb2.DeleteRequest,
    "Read": provider_pb2.ReadRequest,
    "Invoke": provider_pb2.InvokeRequest,
}
# Errors carry a command's output.
_LARGE = [(f"grpc.{name}_metadata_size", 64 << 20) for name in ("max", "absolute_max")]
_ID = re.compile(r"[0-9a-f]{8}\Z")


@dataclass
class Outcome:
    """A call with what was recorded and what the stand-in did; equal or not."""

    number: int
    call: dict[str, Any]
    wanted: dict[str, Any]
    got: dict[str, Any]

    @property
    def equal(self) -> bool:
        """Whether the stand-in did the same."""
        return self.wanted == self.got


class Log:
    """The engine's side of logging, in this process."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def Log(self, request: Any) -> None:
        """Keep a message in the form of the recording."""
        self.lines.append(
            {
                "severity": engine_pb2.LogSeverity.Name(request.severity),
                "message": request.message,
                "urn": request.urn,
                "ephemeral": request.ephemeral,
            }
        )


@contextlib.contextmanager
def served(servicer: Any) -> Iterator[Any]:
    """A stub of the stand-in."""
    server = new_server(4)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=[*OPTIONS, *_LARGE]) as channel:
            yield provider_pb2_grpc.ResourceProviderStub(channel)
    finally:
        server.stop(None).wait()


def put(stub: Any, call: dict[str, Any]) -> dict[str, Any]:
    """Put one call; the response or the errors, as the recording has them."""
    method = call["method"]
    message = json_format.ParseDict(call["request"], REQUESTS[method](), ignore_unknown_fields=True)
    try:
        answer = getattr(stub, method)(message, timeout=60)
    except grpc.RpcError as error:
        name = "".join(word.title() for word in error.code().name.split("_"))
        return {"errors": [f"rpc error: code = {name} desc = {error.details()}"]}
    return {"response": json_format.MessageToDict(answer)}


def comparable(answer: dict[str, Any], method: str) -> dict[str, Any]:
    """The answer without what is random in it: ids, and the order of Go's maps."""
    response = answer.get("response")
    if not isinstance(response, dict):
        return answer
    response = dict(response)
    for key in ("diffs", "replaces"):
        if key in response:
            response[key] = sorted(response[key])
    if "failures" in response:
        response["failures"] = sorted(response["failures"], key=str)
    if method == "Create" and "id" in response:
        response["id"] = _ID.sub("********", response["id"])
    return {**answer, "response": response}


def play(
    packed: dict[str, Any],
    names: Names,
    make: Callable[[Log], Any],
    double: Double | None = None,
    left_out: frozenset[int] = frozenset(),
) -> Iterator[Outcome]:
    """Play a scenario to a new stand-in, which `make` makes; calls left out are not put."""
    scenario, log = whole(packed, names), Log()
    kept = ("SSH_AUTH_SOCK", "CLOUDFLARE_", "PULUMI_")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(kept)}
    clean |= scenario.get("env", {})
    with mock.patch.dict(os.environ, clean, clear=True), served(make(log)) as stub:
        for number, call in enumerate(scenario["calls"]):
            if number in left_out:
                continue
            exchanges = [item for item in scenario["http"] if item["call"] == number]
            log.lines = []
            if double is not None:
                double.expect(exchanges)
            got = put(stub, call)
            wanted = {key: call[key] for key in ("response", "errors") if key in call}
            got["log"], wanted["log"] = log.lines, [_line(item) for item in call.get("log", [])]
            if double is not None:
                got["http"] = double.seen
                wanted["http"] = [
                    {"method": item["method"], "path": item["path"], "body": item.get("body")}
                    for item in exchanges
                ]
            method = call["method"]
            yield Outcome(number, call, comparable(wanted, method), comparable(got, method))


def _line(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "severity": item["severity"],
        "message": item["message"],
        "urn": item.get("urn", ""),
        "ephemeral": item.get("ephemeral", False),
    }
