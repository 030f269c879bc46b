"""What a mail stack uses of pulumi_cloudflare, imported while the hosts are asked for their drift.

It takes a second: the package's records share one module with the types of all else at Cloudflare.
Its own `__init__` imports all of its 780 modules, which would take another one and is not run.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi_cloudflare._inputs import DnsRecordDataArgs
    from pulumi_cloudflare.dns_record import DnsRecord
    from pulumi_cloudflare.provider import Provider

__all__ = ["DnsRecord", "DnsRecordDataArgs", "Provider"]

_NAME = "pulumi_cloudflare"
_MODULES = {
    "DnsRecordDataArgs": "_inputs",
    "DnsRecord": "dns_record",
    "Provider": "provider",
}


def _load() -> dict[str, Any]:
    if _NAME not in sys.modules:
        spec = find_spec(_NAME)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {_NAME!r}", name=_NAME)
        # Not executed: only what stands above is.
        sys.modules[_NAME] = module_from_spec(spec)
    return {name: getattr(import_module(f"{_NAME}.{m}"), name) for name, m in _MODULES.items()}


_loaded = ThreadPoolExecutor(1).submit(_load)


def __getattr__(name: str) -> Any:
    """Wait for the import. Raises what it raised."""
    if name in _MODULES:
        return _loaded.result()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
