"""The state of a record and of a zone's DNSSEC, with what the bridge adds to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lab.engine.cloudflare_properties import (
    DNSSEC,
    DNSSEC_FLAGS,
    DNSSEC_INPUTS,
    DNSSEC_OUTPUTS,
    NULLABLE,
    RECORD,
    RECORD_INPUTS,
    SETTINGS,
    changed,
    computed_by,
    value_in,
    value_out,
)
from lab.engine.plugin import UNKNOWN, Secret

META = '{"schema_version":"500"}'
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


def _null() -> Secret:
    return Secret({"replace": {"raw": None}})


def _object_delta(values: Mapping[str, Any], names: Any) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for name in names:
        value = values.get(name)
        if name == "flags":
            raw = {"type": "dynamic", "value": None}
            if value is not None:
                raw = {"type": "string" if isinstance(value, str) else "number", "value": value}
            parts[name] = Secret({"replace": {"raw": raw}})
        elif value is None:
            parts[name] = _null()
    return {"obj": {"ps": parts} if parts else {}}


def delta(kind: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """How the bridge's own state differs in form from the properties."""
    if kind == DNSSEC:
        names = (*DNSSEC_FLAGS, *DNSSEC_OUTPUTS)
        return {"obj": {"ps": {name: _null() for name in names if state.get(name) is None}}}
    parts: dict[str, Any] = {name: _null() for name in NULLABLE if state.get(name) is None}
    data = state.get("data")
    parts["data"] = _null() if data is None else _object_delta(data, DATA_FIELDS)
    parts["settings"] = _object_delta(state.get("settings") or {}, SETTINGS)
    parts["tags"] = {"arr": {}}
    return {"obj": {"ps": parts}}


def finished(kind: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """The state with what the bridge adds to it."""
    return {"__meta": META, DELTA: delta(kind, state), **state}


def record_state(zone: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a record that the API tells of."""
    state: dict[str, Any] = value_in(answer)
    state["meta"] = json.dumps(answer.get("meta") or {}, separators=(",", ":"))
    settings = state.get("settings") or {}
    if state.get("type") == "CNAME":
        settings = {**dict.fromkeys(SETTINGS, False), **settings}
    state["settings"] = settings
    state.setdefault("tags", [])
    known = {*RECORD_INPUTS, *NULLABLE, "createdOn", "id", "meta", "modifiedOn", "proxiable"}
    return {**{key: item for key, item in state.items() if key in known}, "zoneId": zone}


def dnssec_state(zone: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a zone's DNSSEC that the API tells of."""
    return {**value_in(answer), "id": zone, "zoneId": zone}


def body_of(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request that makes or changes a resource."""
    names = RECORD_INPUTS if kind == RECORD else DNSSEC_INPUTS
    chosen = {key: values[key] for key in names if values.get(key) is not None and key != "zoneId"}
    if kind == RECORD:
        chosen.setdefault("proxied", False)
    body: dict[str, Any] = value_out(chosen)
    return body


def planned(kind: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What a preview knows of a new resource."""
    if kind == DNSSEC:
        return {**dict.fromkeys(("id", "status", *DNSSEC_OUTPUTS), UNKNOWN), **inputs}
    unknown = [
        "content",
        "createdOn",
        "id",
        "meta",
        "modifiedOn",
        "proxiable",
        "settings",
        "tags",
    ]
    unknown += ["tagsModifiedOn"]
    if inputs.get("comment") is not None:
        unknown.append("commentModifiedOn")
    return {**dict.fromkeys(unknown, UNKNOWN), "proxied": False, **inputs}


def merged(kind: str, inputs: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """What the program said stays as it said it, the rest is the API's."""
    make = record_state if kind == RECORD else dnssec_state
    state = make(inputs["zoneId"], answer)
    said = {key: value for key, value in inputs.items() if value is not None}
    if kind == RECORD and "settings" in said:
        said["settings"] = {**state["settings"], **said["settings"]}
    return {**state, **said}


def inputs_of(kind: str) -> Sequence[str]:
    """The names of the inputs of a kind."""
    return RECORD_INPUTS if kind == RECORD else DNSSEC_INPUTS


def place(kind: str, zone: str) -> tuple[str, str]:
    """Method and path of the request that makes a resource."""
    if kind == RECORD:
        return "POST", f"/zones/{zone}/dns_records"
    return "PATCH", f"/zones/{zone}/dnssec"


def known_inputs(kind: str, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that a read gives back: those of before, or all that say something."""
    if inputs:
        names = [name for name in inputs if name in state]
    else:
        names = [name for name in inputs_of(kind) if state.get(name) not in (None, [])]
        names = [name for name in names if name != "settings" and state[name] is not False]
    return {name: state[name] for name in names}


def planned_update(
    kind: str, olds: Mapping[str, Any], news: Mapping[str, Any], wanted: Mapping[str, Any]
) -> dict[str, Any]:
    """What a preview knows of an update; `wanted`: the new inputs with what is computed."""
    inputs = inputs_of(kind)
    fixed = {
        key: value for key, value in olds.items() if not key.startswith("__") and key not in inputs
    }
    found = changed(kind, olds, news)
    unknown = computed_by(found) if kind == RECORD else DNSSEC_OUTPUTS
    state = {**fixed, **wanted, **dict.fromkeys(unknown if found else [], UNKNOWN)}
    if isinstance(news.get("settings"), Mapping) and "settings" in found:
        state["settings"] = {**dict.fromkeys(SETTINGS, UNKNOWN), **news["settings"]}
    if kind == RECORD:
        state.setdefault("proxied", False)
    return state
