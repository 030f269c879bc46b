"""What the stand-in plug-ins share: the gRPC server of a plug-in, and property values.

A property value is a plain Python value, a :class:`Secret` around one, or :data:`UNKNOWN`.
Both are kept when a message is read and when it is written again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from concurrent import futures
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc  # type: ignore[import-untyped]
from google.protobuf import struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2_grpc

SIG_KEY = "4dabf18193072939515e22adb298388d"
SECRET_SIG = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 -- a marker of the wire format
OUTPUT_SIG = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN_SIG = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
MAX_MESSAGE = 400 * 1024 * 1024
OPTIONS = [
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.max_receive_message_length", MAX_MESSAGE),
]
_LOOK_SECONDS = 5


class Unknown:
    """A value that is known only after the update; :data:`UNKNOWN` is its only instance."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Secret:
    """A secret value, as the wire format marks it."""

    value: Any

    def __repr__(self) -> str:
        return "Secret([secret])"


def from_value(value: Any) -> Any:
    """Read one protobuf ``Value``."""
    kind = value.WhichOneof("kind")
    if kind is None or kind == "null_value":
        return None
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIG_KEY in fields and fields[SIG_KEY].string_value == SECRET_SIG:
            return Secret(from_value(fields["value"]))
        return {key: from_value(item) for key, item in fields.items()}
    if kind == "list_value":
        return [from_value(item) for item in value.list_value.values]
    if kind == "string_value":
        text = value.string_value
        return UNKNOWN if text == UNKNOWN_SIG else text
    return getattr(value, kind)


def to_value(value: Any) -> Any:
    """Write one protobuf ``Value``."""
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, Secret):
        wrapped = {SIG_KEY: SECRET_SIG, "value": value.value}
        return struct_pb2.Value(struct_value=to_struct(wrapped))
    if isinstance(value, Unknown):
        return struct_pb2.Value(string_value=UNKNOWN_SIG)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=to_struct(value))
    if isinstance(value, list | tuple):
        items = struct_pb2.ListValue(values=[to_value(item) for item in value])
        return struct_pb2.Value(list_value=items)
    raise TypeError(f"not a property value: {type(value).__name__}")


def from_struct(struct: Any) -> dict[str, Any]:
    """Read a protobuf ``Struct``, keeping secrets and unknowns."""
    return {key: from_value(item) for key, item in struct.fields.items()}


def to_struct(values: Mapping[str, Any]) -> Any:
    """Write a protobuf ``Struct``, keeping secrets and unknowns."""
    return struct_pb2.Struct(fields={key: to_value(item) for key, item in values.items()})


def plain(value: Any) -> Any:
    """The value with every secret unwrapped; unknowns stay."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def has_unknown(value: Any) -> bool:
    """Whether the value is, or holds, an unknown."""
    if isinstance(value, Secret):
        return has_unknown(value.value)
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return isinstance(value, Unknown)


def engine_address(argv: list[str] | None = None) -> str | None:
    """The engine's address: the first argument that is not an option."""
    args = sys.argv[1:] if argv is None else argv
    return next((arg for arg in args if not arg.startswith("-")), None)


def engine_channel(address: str) -> Any:
    """A channel to the engine, with the message limits of a plug-in."""
    return grpc.insecure_channel(address, options=OPTIONS)


def engine_stub(address: str) -> Any:
    """The engine's service at an address."""
    return engine_pb2_grpc.EngineStub(engine_channel(address))


class Log:
    """Messages to the engine; without an engine (a test) they go nowhere."""

    def __init__(self, stub: Any = None) -> None:
        self._stub = stub

    def log(self, severity: Any, message: str, urn: str, *, status: bool = False) -> None:
        """Send one message; an engine that is gone is no reason to fail a command."""
        if self._stub is None:
            return
        request = engine_pb2.LogRequest(
            severity=severity, message=message, urn=urn, ephemeral=status
        )
        with contextlib.suppress(grpc.RpcError):
            self._stub.Log(request)

    def info(self, message: str, urn: str, *, status: bool = False) -> None:
        """Log an information; `status` is shown only while the operation runs."""
        self.log(engine_pb2.INFO, message, urn, status=status)

    def error(self, message: str, urn: str) -> None:
        """Log an error."""
        self.log(engine_pb2.ERROR, message, urn)

    def warning(self, message: str, urn: str) -> None:
        """Log a warning."""
        self.log(engine_pb2.WARNING, message, urn)


def _answers(address: str) -> bool:
    """Whether something listens at HOST:PORT."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=_LOOK_SECONDS):
            return True
    except OSError:
        return False


def run_server(server: Any) -> NoReturn:
    """Start a gRPC server on a free loopback port, print the port, end on SIGINT or SIGTERM.

    It also ends by itself when the engine, whose address is the first argument, is there no more:
    one that was killed says nothing. The process ends here, whatever a call still waits for.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    engine = engine_address()
    while not stop.wait(_LOOK_SECONDS):
        if engine is not None and not _answers(engine):
            break
    server.stop(grace=1).wait(timeout=2)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def new_server(workers: int = 128) -> Any:
    """A gRPC server with a plug-in's message limits and enough threads for the engine."""
    return grpc.server(futures.ThreadPoolExecutor(max_workers=workers), options=OPTIONS)


def serve(servicer: Any) -> NoReturn:
    """Serve a ``ResourceProviderServicer`` until SIGINT or SIGTERM."""
    server = new_server()
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    run_server(server)
