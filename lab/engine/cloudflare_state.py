"""The state of a record and of a zone's DNSSEC, with what the bridge adds to it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from lab.engine.cloudflare_delta import DATA_FIELDS, DELTA, RECORD_FIELDS, delta
from lab.engine.cloudflare_properties import (
    DNSSEC,
    DNSSEC_FLAGS,
    DNSSEC_INPUTS,
    DNSSEC_OUTPUTS,
    RECORD,
    RECORD_INPUTS,
    SETTINGS,
    value_in,
    value_out,
)
from lab.engine.plugin import OUTPUT_SIG, SIG_KEY, UNKNOWN, Unknown, has_unknown

# Of these the API tells nothing that a program left out.
OPTIONAL = (
    *DNSSEC_FLAGS,
    *("comment", "data", "name", "priority", "privateRouting", "status", "ttl", "type"),
)
META = '{"schema_version":"500"}'


def settled(value: Any) -> Any:
    """An output as its value; one without a value is unknown."""
    if isinstance(value, Mapping) and value.get(SIG_KEY) == OUTPUT_SIG:
        return value.get("value", UNKNOWN)
    return value


def finished(kind: str, state: Mapping[str, Any], meta: str | None = None) -> dict[str, Any]:
    """The state with what the bridge adds to it; it says nothing beside unknown values."""
    if has_unknown(state):
        return {"__meta": meta or META, **state}
    return {"__meta": meta or META, DELTA: delta(kind, state), **state}


def named(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a resource that was made or read: one without an id gets a word in its place."""
    return {**state, "id": "id" if state.get("id") is None else state["id"]}


def meta_of(olds: Mapping[str, Any], state: Mapping[str, Any]) -> str | None:
    """What the bridge keeps beside the state: the zone's name, if the program's name was short."""
    old, new = olds.get("name"), state.get("name")
    zone = new.removeprefix(f"{old}.") if isinstance(new, str) else new
    if zone == new:
        return olds.get("__meta")
    private = json.dumps({"zone_name": _encoded(json.dumps(zone))}, separators=(",", ":"))
    kept = {"private_state": _encoded(private), "schema_version": "500"}
    return json.dumps(kept, separators=(",", ":"))


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def defaults(kind: str) -> dict[str, Any]:
    """What a new resource has if the program says nothing of it."""
    return {"proxied": False} if kind == RECORD else {}


def id_of(state: Mapping[str, Any]) -> str:
    """The id of a resource; of one that the API gave none, Go's words for nothing."""
    number = state.get("id")
    return "output<null>{}" if isinstance(number, Unknown) else str(number or "{<nil>}")


def number_of(olds: Mapping[str, Any]) -> str:
    """The id in a state; empty where a word has its place."""
    missing = "id" in (olds.get(DELTA) or {}).get("obj", {}).get("ps", {})
    return "" if missing else olds.get("id") or ""


def record_state(zone: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a record that the API tells of."""
    state: dict[str, Any] = value_in(answer)
    if answer.get("meta") is not None:
        state["meta"] = json.dumps(answer["meta"], separators=(",", ":"))
    if isinstance(state.get("data"), Mapping):
        state["data"] = {key: item for key, item in state["data"].items() if key in DATA_FIELDS}
    if isinstance(state.get("settings"), Mapping):
        settings = {key: item for key, item in state["settings"].items() if key in SETTINGS}
        missing = dict.fromkeys(SETTINGS, False) if state.get("type") == "CNAME" else {}
        state["settings"] = {**missing, **settings}
    return {**{key: item for key, item in state.items() if key in RECORD_FIELDS}, "zoneId": zone}


def as_before(olds: Mapping[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """The state with `flags` as the kind of value, number or text, that the state had before."""
    old, new = ((side.get("data") or {}) for side in (olds, state))
    before, now = old.get("flags"), new.get("flags")
    if before is not None and state.get("data") is None:
        return {**state, "data": {}}
    if before is None or now is None or str(value_out(before)) != str(value_out(now)):
        return state
    return {**state, "data": {**new, "flags": before}}


def dnssec_state(zone: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a zone's DNSSEC that the API tells of."""
    known = (*DNSSEC_INPUTS, *DNSSEC_OUTPUTS)
    state = {key: value for key, value in value_in(answer).items() if key in known}
    return {**state, "id": zone, "zoneId": zone}


def body_of(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request that makes a resource."""
    names = RECORD_INPUTS if kind == RECORD else DNSSEC_INPUTS
    chosen = {key: values[key] for key in names if values.get(key) is not None and key != "zoneId"}
    if kind == RECORD:
        chosen.setdefault("proxied", False)
    if isinstance(chosen.get("tags"), list):
        chosen["tags"] = sorted(chosen["tags"])
    if all(chosen.get(flag) is True for flag in DNSSEC_FLAGS):
        # So it was recorded: the original sends one flag, and none if all three are true.
        chosen = {key: value for key, value in chosen.items() if key not in DNSSEC_FLAGS}
    body: dict[str, Any] = value_out(chosen)
    return body


def planned(kind: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What a preview knows of a new resource."""
    inputs = {key: value for key, value in inputs.items() if key in inputs_of(kind)}
    if kind == DNSSEC:
        said = {key: value for key, value in inputs.items() if value is not None}
        return {**dict.fromkeys(("id", *DNSSEC_OUTPUTS), UNKNOWN), **said}
    unknown = [
        *("content", "createdOn", "id", "meta", "modifiedOn", "proxiable", "settings", "tags")
    ]
    if inputs.get("comment"):
        unknown.append("commentModifiedOn")
    if inputs.get("tags") != []:
        unknown.append("tagsModifiedOn")
    said = {key: value for key, value in inputs.items() if value is not None}
    if isinstance(said.get("settings"), Mapping):
        said["settings"] = {**dict.fromkeys(SETTINGS, UNKNOWN), **said["settings"]}
    if isinstance(said.get("data"), Mapping):
        said["data"] = {key: value for key, value in said["data"].items() if value is not None}
    return {**dict.fromkeys(unknown, UNKNOWN), "proxied": False, **said}


def merged(kind: str, wanted: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """What was wanted stays as it was wanted, the rest is the API's."""
    make = record_state if kind == RECORD else dnssec_state
    state = make(wanted["zoneId"], answer)
    said = {key: wanted[key] for key in inputs_of(kind) if wanted.get(key) is not None}
    if isinstance(said.get("tags"), list):
        said["tags"] = sorted(said["tags"])
    state = {key: value for key, value in state.items() if key not in OPTIONAL or key in said}
    if isinstance(said.get("settings"), Mapping):
        given = {k: v for k, v in said["settings"].items() if not isinstance(v, Unknown)}
        said["settings"] = {**(state.get("settings") or {}), **given}
    if isinstance(said.get("data"), Mapping):
        said["data"] = {key: value for key, value in said["data"].items() if value is not None}
    return {**state, **said}


def inputs_of(kind: str) -> Sequence[str]:
    """The names of the inputs of a kind."""
    return RECORD_INPUTS if kind == RECORD else DNSSEC_INPUTS


def place(kind: str, zone: str) -> tuple[str, str]:
    """Method and path of the request that makes a resource."""
    if kind == RECORD:
        return "POST", f"/zones/{zone}/dns_records"
    return "PATCH", f"/zones/{zone}/dnssec"


def known_inputs(
    kind: str, state: Mapping[str, Any], inputs: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The inputs that a read gives back: those of before; of an import all that say a thing."""
    if inputs is None:
        shown = {}
        for name in inputs_of(kind):
            value = state.get(name)
            if isinstance(value, Mapping):
                value = {key: item for key, item in value.items() if item}
            if value not in (None, False, [], {}):
                shown[name] = value
        return shown
    known = {name: state[name] for name in inputs if name in state}
    if isinstance(known.get("data"), Mapping) and isinstance(inputs["data"], Mapping):
        known["data"] = {k: v for k, v in known["data"].items() if k in inputs["data"]}
    return known
