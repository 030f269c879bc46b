"""Imported first by the process of a plug-in: the SDK's protocol modules come without the SDK.

That spares each of the half dozen processes of an update a third of its start; an optional package
of paramiko, which nothing here uses, is a third more of the one that has it.
"""

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec

# The environment of many container images says otherwise: each start would compile what it imports.
sys.dont_write_bytecode = False
sys.modules["invoke"] = None  # type: ignore[assignment]
_SHELLS = {}
for _name in ("pulumi", "pulumi.runtime"):
    _spec = find_spec(_name)
    if _spec is not None:
        _SHELLS[_name] = sys.modules[_name] = module_from_spec(_spec)


def whole_sdk() -> None:
    """Import the SDK itself after all; the protocol's modules stay as they are."""
    protocol = sys.modules["pulumi.runtime.proto"]
    for name, shell in _SHELLS.items():
        if sys.modules.get(name) is shell:
            del sys.modules[name]
    vars(import_module("pulumi.runtime"))["proto"] = protocol
