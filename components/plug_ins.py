"""Starts the engine's plug-ins before their first resource.

The engine starts a plug-in at the first call to it, one after the other, and the caller waits. Here
the calls are made beside the program: while it imports its modules, and while it asks its hosts.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from typing import Any

import grpc  # type: ignore[import-untyped]
import pulumi
from pulumi.runtime.proto import resource_pb2

# The plug-ins have no such function. They refuse the call, the one without a request to the API.
_NO_FUNCTION = "{}:index/nothing:nothing"
# In the order of the calls: the hosts wait for the first plug-in, and only records for the other.
_queue = ThreadPoolExecutor(1)


def begin(name: str) -> None:
    """Begin the start of the plug-in of the package `pulumi_NAME`, and do not wait for it."""
    version = import_module(f"pulumi_{name}._utilities").get_version()
    monitor = pulumi.runtime.settings.get_monitor()
    if monitor is not None:
        _queue.submit(_call, monitor, _NO_FUNCTION.format(name), version)


def _call(monitor: Any, token: str, version: str) -> None:
    request = resource_pb2.ResourceInvokeRequest(tok=token, version=version, acceptResources=True)
    with suppress(grpc.RpcError):
        monitor.Invoke(request)
