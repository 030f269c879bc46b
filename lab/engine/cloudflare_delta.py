"""How the bridge's own state of a record and of DNSSEC differs in form from the properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.engine.cloudflare_properties import DNSSEC, DNSSEC_FLAGS, DNSSEC_OUTPUTS, SETTINGS
from lab.engine.plugin import Secret

RECORD_FIELDS = (
    *("comment", "commentModifiedOn", "content", "createdOn", "data", "id", "meta", "modifiedOn"),
    *("name", "priority", "privateRouting", "proxiable", "proxied", "settings", "tags"),
    *("tagsModifiedOn", "ttl", "type", "zoneId"),
)
DELTA = "__pulumi_raw_state_delta"
DATA_FIELDS = [
    "algorithm",
    "altitude",
    "certificate",
    "digest",
    "digestType",
    "fingerprint",
    "flags",
    "keyTag",
    "latDegrees",
    "latDirection",
    "latMinutes",
    "latSeconds",
    "longDegrees",
    "longDirection",
    "longMinutes",
    "longSeconds",
    "matchingType",
    "order",
    "port",
    "precisionHorz",
    "precisionVert",
    "preference",
    "priority",
    "protocol",
    "publicKey",
    "regex",
    "replacement",
    "selector",
    "service",
    "size",
    "tag",
    "target",
    "type",
    "usage",
    "value",
    "weight",
]


_KINDS = {str: "string", bool: "bool"}


def _null() -> Secret:
    return Secret({"replace": {"raw": None}})


def _object_delta(values: Mapping[str, Any], names: Any) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for name in names:
        value = values.get(name)
        if name == "flags":
            raw = {"type": "dynamic", "value": None}
            if value is not None:
                raw = {"type": _KINDS.get(type(value), "number"), "value": value}
            parts[name] = Secret({"replace": {"raw": raw}})
        elif value is None:
            parts[name] = _null()
    return {"obj": {"ps": parts} if parts else {}}


def delta(kind: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """How the bridge's own state differs in form from the properties."""
    if kind == DNSSEC:
        names = (*DNSSEC_FLAGS, *DNSSEC_OUTPUTS, "status")
        missing = {name: _null() for name in names if state.get(name) is None}
        return {"obj": {"ps": missing} if missing else {}}
    parts: dict[str, Any] = {name: _null() for name in RECORD_FIELDS if state.get(name) is None}
    if state.get("data") is not None:
        parts["data"] = _object_delta(state["data"], DATA_FIELDS)
    if state.get("settings") is not None:
        parts["settings"] = _object_delta(state["settings"], SETTINGS)
    if state.get("tags") is not None:
        parts["tags"] = {"arr": {}}
    return {"obj": {"ps": parts}}
