"""What an update makes of a resource: the original's plan, before it asks the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.engine.cloudflare_properties import (
    DNSSEC,
    DNSSEC_INPUTS,
    DNSSEC_OUTPUTS,
    RECORD,
    RECORD_COMPUTED,
    RECORD_INPUTS,
    SETTINGS,
    same,
    snake,
    value_out,
)
from lab.engine.plugin import UNKNOWN, Unknown, has_unknown

_UNKNOWN_DATA = (
    '1 error occurred:\n\t* AttributeName("data"): Value Conversion Error - An unexpected error '
    "was encountered trying to build a value. This is always an error in the provider. Please "
    "report the following to the provider developer:\n\nReceived unknown value, however the "
    "target type cannot handle unknown values. Use the corresponding `types` package type or a "
    "custom type that handles unknown values.\n\nPath: data\nTarget Type: "
    "*dns_record.DNSRecordDataModel\nSuggested Type: basetypes.ObjectValue\n\n"
)


class PlanError(Exception):
    """Values of which the original makes no plan, in its words."""


@dataclass(frozen=True)
class Plan:
    """The inputs after the update, and the names of those that it changes."""

    kind: str
    olds: Mapping[str, Any]
    values: dict[str, Any]
    changed: list[str]

    @property
    def computed(self) -> list[str]:
        """The outputs that are unknown until the API has answered."""
        if not self.changed:
            return []
        if self.kind == DNSSEC:
            return list(DNSSEC_OUTPUTS)
        found = [] if {*self.changed} <= {"zoneId", "privateRouting"} else ["modifiedOn"]
        found += [] if self.olds.get("id") is not None else ["id"]
        if "comment" in self.changed and (self.olds.get("comment") or self.values.get("comment")):
            found.append("commentModifiedOn")
        return found + (["tagsModifiedOn"] if "tags" in self.changed else [])

    @property
    def diffs(self) -> list[str]:
        """The names that a Diff tells."""
        return sorted({*self.changed, *self.computed})

    def body(self) -> dict[str, Any]:
        """The body of the request: all of a record, of DNSSEC what changes; null for the gone."""
        names = RECORD_INPUTS if self.kind == RECORD else self.changed
        olds = {name: self.olds.get(name) for name in names if name != "zoneId"}
        body: dict[str, Any] = _body(olds, {name: self.values.get(name) for name in olds})
        return body

    def state(self) -> dict[str, Any]:
        """What a preview knows of the resource."""
        inputs = RECORD_INPUTS if self.kind == RECORD else DNSSEC_INPUTS
        kept = {
            key: value
            for key, value in self.olds.items()
            if not key.startswith("__") and key not in inputs
        }
        said = {key: value for key, value in self.values.items() if value is not None}
        unknown = dict.fromkeys(self.computed, UNKNOWN)
        for name in ("comment", "tags"):
            if name in self.changed and not self.values.get(name):
                kept.pop(f"{name}ModifiedOn", None)
                unknown.pop(f"{name}ModifiedOn", None)
        return {**kept, **said, **unknown}


def creatable(values: Mapping[str, Any]) -> None:
    """Refuse inputs of a record whose data are not known. Raises PlanError."""
    if isinstance(values.get("data"), Unknown):
        raise PlanError(_UNKNOWN_DATA)


def serializable(olds: Mapping[str, Any]) -> None:
    """Refuse a state in which the API's answer left something unknown. Raises PlanError."""
    for name in sorted(olds):
        if isinstance(olds[name], Unknown):
            raise PlanError(
                f'[pf/tfbridge] Error calling NewRawState: AttributeName("{snake(name)}"): '
                "unknown values cannot be serialized to JSON"
            )


def comparable(olds: Mapping[str, Any], news: Mapping[str, Any]) -> None:
    """Refuse flags that become a text: the original cannot compare them. Raises PlanError."""
    old, new = ((side.get("data") or {}) for side in (olds, news))
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return
    if isinstance(old.get("flags"), int | float) and isinstance(new.get("flags"), str):
        raise PlanError(
            'AttributeName("data").AttributeName("flags"): Error converting '
            r'"AttributeName(\"data\").AttributeName(\"flags\")": '
            "can't unmarshal tftypes.String into *big.Float, expected *big.Float"
        )


def plan(
    kind: str, olds: Mapping[str, Any], news: Mapping[str, Any], ignored: Iterable[str] = ()
) -> Plan:
    """The plan of an update. Raises PlanError."""
    inputs = RECORD_INPUTS if kind == RECORD else DNSSEC_INPUTS
    serializable(olds)
    left = {*inputs} if "*" in ignored else {*ignored}
    values: dict[str, Any] = {}
    for key in inputs:
        old, new = olds.get(key), news.get(key)
        if any(name.startswith(f"{key}.") for name in left):
            new = old
        values[key] = old if key in left else _planned(kind, key, old, new, olds.get("type"))
    if kind == RECORD:
        creatable(values)
        if values["type"] == "CNAME":
            values["settings"] = {**dict.fromkeys(SETTINGS, False), **(values["settings"] or {})}
    changed = [key for key in inputs if not same(key, olds.get(key), values[key])]
    given = news.get("settings")
    if changed and kind == RECORD and news.get("tags") is None and olds.get("tags"):
        values["tags"] = UNKNOWN
        changed.append("tags")
    ignoring = any(name.partition(".")[0] == "settings" for name in left)
    if changed and not ignoring and isinstance(given, Mapping):
        unknown = {name: UNKNOWN for name in SETTINGS if given.get(name) is None}
        if unknown:
            values["settings"] = {**values["settings"], **unknown}
            changed = sorted({*changed, "settings"})
    return Plan(kind, olds, values, changed)


def _planned(kind: str, key: str, old: Any, new: Any, record: Any) -> Any:
    if kind == DNSSEC:
        return new
    if new is None:
        if key == "proxied":
            return False
        return old if key in RECORD_COMPUTED else None
    if key in ("settings", "tags") and has_unknown(new):
        return old
    if key == "settings" and isinstance(new, Mapping):
        given = {name: value for name, value in new.items() if value is not None}
        return {**(old or {}), **given}
    if key == "content" and record == "CNAME" and isinstance(old, str) and isinstance(new, str):
        return old if old.lower() == new.lower() else new
    return old if key in ("name", "tags") and same(key, old, new) else new


def _body(old: Any, new: Any) -> Any:
    """A value for the API; null for what a mapping has no more, nothing for what is unknown."""
    if not isinstance(new, Mapping):
        return value_out(new)
    olds = old if isinstance(old, Mapping) else {}
    return {
        snake(name): _body(olds.get(name), new.get(name))
        for name in {**olds, **new}
        if not isinstance(new.get(name), Unknown)
        and (new.get(name) is not None or olds.get(name) is not None)
    }
