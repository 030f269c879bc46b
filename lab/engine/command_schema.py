"""What the original's Check refuses of a Command: other kinds and unknown names, in its words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.engine.copy import is_asset
from lab.engine.plugin import SIG_KEY, UNKNOWN, Secret, Unknown

# The mark of an output value on the wire (sdk/go/common/resource/sig).
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_TEXT, _TEXTS = "string", "[]string"
_BOTH = {
    "addPreviousOutputInEnv": "bool",
    "create": _TEXT,
    "delete": _TEXT,
    "environment": "map[string]string",
    "stdin": _TEXT,
    "triggers": "[]interface {}",
    "update": _TEXT,
}
REMOTE_FIELDS = {**_BOTH, "connection": "remote.Connection", "logging": "remote.Logging"}
LOCAL_FIELDS = {
    **_BOTH,
    "archivePaths": _TEXTS,
    "assetPaths": _TEXTS,
    "dir": _TEXT,
    "interpreter": _TEXTS,
    "logging": "local.Logging",
}
_OF_MAPS = frozenset({"map[string]string", "remote.Connection"})


def normal(value: Any) -> Any:
    """A property value as the original's Check reads it: no outputs, no nulls inside.

    A secret that is not known yet becomes a secret empty text there.
    """
    if isinstance(value, Secret):
        return Secret("") if isinstance(value.value, Unknown) else Secret(normal(value.value))
    if isinstance(value, Mapping):
        if value.get(SIG_KEY) == _OUTPUT:
            inner = normal(value["value"]) if "value" in value else UNKNOWN
            return Secret(inner) if value.get("secret") else inner
        return {key: normal(item) for key, item in value.items() if item is not None}
    return [normal(item) for item in value] if isinstance(value, list) else value


def failures(package: str, values: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, str]:
    """Property to the reason against it; `package`: `remote` or `local`."""
    found = {}
    for key in sorted(values):
        value = _bare(values[key])
        if key not in fields:
            found[key] = f"Unrecognized field '{key}' on '{package}.CommandInputs'"
        elif value is not None and not isinstance(value, Unknown):
            text = _against(package, key, value, fields[key])
            if text is not None:
                found[key] = text
    return found


def _against(package: str, key: str, value: Any, kind: str) -> str | None:
    seen = _kind(value)
    if seen == "map":
        if kind in _OF_MAPS:
            return None
        return (
            f"An error occurred decoding 'CommandInputs.{key}': Cannot decode Object{{}} to type "
            f"{kind}; it isn't a struct, and no custom decoder exists"
        )
    is_list = kind.startswith("[]")
    fits = {"string": kind == _TEXT or kind.endswith(".Logging"), "bool": kind == "bool"}
    if fits.get(seen, False) or (is_list and seen == "[]interface {}"):
        return None
    return f"Field '{key}' on '{package}.CommandInputs' must be a '{kind}'; got '{seen}' instead"


def _bare(value: Any) -> Any:
    return _bare(value.value) if isinstance(value, Secret) else value


def _kind(value: Any) -> str:
    """The kind of a value in Go's words; "map" for an object."""
    if is_asset(value):
        return "asset.Asset"
    if isinstance(value, Mapping):
        return "map"
    if isinstance(value, list):
        return "[]interface {}"
    if isinstance(value, bool):
        return "bool"
    return "float64" if isinstance(value, int | float) else "string"
