"""What the engine does beside the program: plug-ins start, and the state is read.

The engine starts a plug-in at the first call to it, one after the other, and the caller waits. It
opens and decrypts the state when it is asked for that. Here all of this is asked for first, while
the program imports its modules.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from typing import Any

import grpc  # type: ignore[import-untyped]
import pulumi
from google.protobuf import struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime import rpc
from pulumi.runtime.proto import resource_pb2

# The function that stack references were made of. Nothing is written by it.
_STATE = "pulumi:pulumi:readStackResourceOutputs"
NO_FUNCTION = "{}:index/nothing:nothing"
"""A function that the plug-ins do not have: they refuse the call, without a request to an API."""
_asking = ThreadPoolExecutor(2)
_reading: Future[Any] | None = None


def begin() -> None:
    """Begin to read the state, and to start the plug-in that reaches hosts; do not wait."""
    global _reading
    _reading = _read()
    version = import_module("pulumi_command._utilities").get_version()
    _asking.submit(_start, pulumi.runtime.settings.get_monitor(), version)


def state() -> dict[str, dict[str, Any]]:
    """The running stack's state, as it was read: URN to `type` and `outputs`.

    Raises Exception with the engine's words when the state cannot be read.
    """
    global _reading
    begun, _reading = _reading or _read(), None
    try:
        answer = begun.result()
    except grpc.RpcError as error:
        raise Exception(f"{_STATE}: {error.details()}") from None
    if answer.failures:
        raise Exception(f"{_STATE}: {answer.failures[0].reason}")
    read, _ = rpc.deserialize_properties_unwrap_secrets(getattr(answer, "return"))
    found: dict[str, dict[str, Any]] = read["outputs"]
    return found


def _read() -> Future[Any]:
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    arguments = struct_pb2.Struct()
    arguments.update({"stackName": stack})
    request = resource_pb2.ResourceInvokeRequest(tok=_STATE, args=arguments, acceptResources=True)
    return _asking.submit(_ask, pulumi.runtime.settings.get_monitor(), request)


def _ask(monitor: Any, request: resource_pb2.ResourceInvokeRequest) -> Any:
    return monitor.Invoke(request)


def _start(monitor: Any, version: str) -> None:
    token = NO_FUNCTION.format("command")
    request = resource_pb2.ResourceInvokeRequest(tok=token, version=version, acceptResources=True)
    with suppress(grpc.RpcError):
        _ask(monitor, request)
