"""What a mail stack uses of pulumi_cloudflare, and the start of its plug-in.

Both take long. The package's records share one module with the types of all else at Cloudflare,
whose import takes a second; its own `__init__` imports all of its 780 modules, which would take
another one and is not run. The vendor's plug-in answers 4 to 5 seconds after its start. `begin`
lets both go on while the program asks its hosts.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, Any

import pulumi

from components.engine import early

if TYPE_CHECKING:
    from pulumi_cloudflare._inputs import DnsRecordDataArgs
    from pulumi_cloudflare.dns_record import DnsRecord
    from pulumi_cloudflare.provider import Provider

__all__ = ["DnsRecord", "DnsRecordDataArgs", "Provider", "begin"]

_NAME = "pulumi_cloudflare"
_MODULES = {
    "DnsRecordDataArgs": "_inputs",
    "DnsRecord": "dns_record",
    "Provider": "provider",
}
_pool = ThreadPoolExecutor(1)
_loaded: Future[dict[str, Any]] | None = None


def begin(with_plugin: bool) -> None:
    """Begin the import, and with `with_plugin` the start of the default provider's plug-in.

    Otherwise the first record would start the plug-in.
    """
    if with_plugin:
        asyncio.ensure_future(_start())  # noqa: RUF006
    _begun()


async def _start() -> None:
    # The engine gets one plug-in ready at a time, whoever asks for it. The question to the hosts,
    # which the program sends next, needs the first of these, and would wait for the other one.
    for package in (import_module("pulumi_command._utilities"), _module("_utilities")):
        name = package.__name__.partition(".")[0].removeprefix("pulumi_")
        options = pulumi.InvokeOptions(version=package.get_version())
        with suppress(Exception):
            await pulumi.runtime.invoke_async(early.NO_FUNCTION.format(name), {}, options)


def _module(name: str) -> Any:
    if _NAME not in sys.modules:
        spec = find_spec(_NAME)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {_NAME!r}", name=_NAME)
        # Not executed: only what stands in _MODULES is.
        sys.modules[_NAME] = module_from_spec(spec)
    return import_module(f"{_NAME}.{name}")


def _load() -> dict[str, Any]:
    return {name: getattr(_module(module), name) for name, module in _MODULES.items()}


def _begun() -> Future[dict[str, Any]]:
    global _loaded
    if _loaded is None:
        _loaded = _pool.submit(_load)
    return _loaded


def __getattr__(name: str) -> Any:
    """Wait for the import. Raises what it raised."""
    if name in _MODULES:
        return _begun().result()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
