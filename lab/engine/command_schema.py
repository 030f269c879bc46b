"""What the original's Check refuses of a Command: other kinds and unknown names, in its words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.engine.copy import is_asset
from lab.engine.plugin import SIG_KEY, UNKNOWN, Secret, Unknown

DEFAULTS = {"dialErrorLimit": 10, "perDialTimeout": 15, "port": 22, "user": "root"}
SECRET_FIELDS = ("password", "privateKey", "privateKeyPassword")
# The mark of an output value on the wire (sdk/go/common/resource/sig).
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_SECRET_UNKNOWN = {SIG_KEY: _OUTPUT, "secret": True}
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
RUN_FIELDS = {
    key: kind
    for key, kind in {**LOCAL_FIELDS, "command": _TEXT}.items()
    if key not in ("create", "update", "delete", "triggers")
}
_LOGIN = {
    **dict.fromkeys(("agentSocketPath", "host", "hostKey", "password", "privateKey"), _TEXT),
    "dialErrorLimit": "int",
    "perDialTimeout": "int",
    "port": "float64",
    "privateKeyPassword": _TEXT,
    "user": _TEXT,
}
_STRUCTS = {
    "remote.Connection": {**_LOGIN, "proxy": "remote.ProxyConnection"},
    "remote.ProxyConnection": _LOGIN,
}


_EMPTY: dict[str, Any] = {
    "bool": False,
    "map[string]string": {},
    "[]interface {}": [],
    "[]string": [],
    "remote.Connection": {"host": ""},
}


def inputs(news: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    """The inputs as Check reads them; a secret that is not known is an empty value of its kind."""
    found: dict[str, Any] = normal(news)
    for key, value in news.items():
        if isinstance(value, Secret) and isinstance(value.value, Unknown):
            if fields.get(key) == _TEXTS:
                del found[key]
                continue
            found[key] = Secret(_EMPTY.get(fields.get(key, ""), ""))
        if fields.get(key) == _TEXTS and isinstance(_bare(normal(value)), Unknown):
            del found[key]
    return found


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


def _lost(value: Any) -> bool:
    """Whether something in the value is both secret and unknown."""
    if isinstance(value, Secret):
        return isinstance(value.value, Unknown) or _lost(value.value)
    return isinstance(value, Mapping) and any(map(_lost, value.values()))


def shown(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as a preview gives them back: a secret with something unknown has no value."""
    return {
        key: dict(_SECRET_UNKNOWN) if isinstance(value, Secret) and _lost(value) else value
        for key, value in inputs.items()
    }


def failures(name: str, values: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, str]:
    """Property to the reason against it; `name`: of the type, for example local.CommandInputs."""
    found = {}
    for key in sorted(values):
        value = _bare(values[key])
        if key not in fields:
            found[key] = f"Unrecognized field '{key}' on '{name}'"
        elif value is not None and not isinstance(value, Unknown):
            text = _against(name, key, value, fields[key])
            if text is not None:
                found[key] = text
    return found


def _against(name: str, key: str, value: Any, kind: str) -> str | None:
    seen = _kind(value)
    if seen == "map":
        if kind == "map[string]string":
            return None
        kept = name.partition(".")[2]
        if kind in _STRUCTS:
            inner = failures(kind, value, _STRUCTS[kind])
            if _bare(value.get("host")) is None:
                inner["host"] = f"Missing required field 'host' on '{kind}'"
            # What is missing comes first.
            names = sorted(inner, key=lambda part: (part != "host", part))
            told = "".join(f"\n\t{part}: {inner[part]}" for part in names)
            head = f"An error occurred decoding '{kept}.{key}': {len(inner)} failures decoding:"
            return head + told if inner else None
        return (
            f"An error occurred decoding '{kept}.{key}': Cannot decode Object{{}} "
            f"to type {kind}; it isn't a struct, and no custom decoder exists"
        )
    is_list = kind.startswith("[]")
    fits = {"string": kind == _TEXT or kind.endswith(".Logging"), "bool": kind == "bool"}
    fits["float64"] = kind in ("float64", "int")
    if fits.get(seen, False) or (is_list and seen == "[]interface {}"):
        return None
    return f"Field '{key}' on '{name}' must be a '{kind}'; got '{seen}' instead"


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


def check_connection(value: Any, defaults: Mapping[str, Any] = DEFAULTS) -> Any:
    """Fill in the defaults of a connection and mark its secrets."""
    inner = value.value if isinstance(value, Secret) else value
    if isinstance(inner, Unknown):
        return dict(_SECRET_UNKNOWN)
    if not isinstance(inner, Mapping):
        return Secret(inner)
    result = {**defaults, **{key: item for key, item in inner.items() if item is not None}}
    _mark(result)
    if isinstance(result.get("proxy"), Mapping):
        result["proxy"] = {**defaults, **result["proxy"]}
        _mark(result["proxy"])
    return Secret(result)


def _mark(fields: dict[str, Any]) -> None:
    for key in SECRET_FIELDS:
        if isinstance(fields.get(key), Unknown):
            fields[key] = dict(_SECRET_UNKNOWN)
        elif key in fields and not isinstance(fields[key], Secret):
            fields[key] = Secret(fields[key])
    for key in ("dialErrorLimit", "perDialTimeout"):
        if isinstance(fields.get(key), float):
            fields[key] = int(fields[key])
