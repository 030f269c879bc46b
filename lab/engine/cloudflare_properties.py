"""Properties of the original's records and DNSSEC, and the values of the API that they come from.

The bridge keeps what a program said, and fills in from the API what the program left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lab.engine.plugin import has_unknown

RECORD = "cloudflare:index/dnsRecord:DnsRecord"
DNSSEC = "cloudflare:index/zoneDnssec:ZoneDnssec"
SETTINGS = ("flattenCname", "ipv4Only", "ipv6Only")
NULLABLE = ("comment", "commentModifiedOn", "priority", "privateRouting", "tagsModifiedOn")
RECORD_INPUTS = [
    "comment",
    "content",
    "data",
    "name",
    "priority",
    "privateRouting",
    "proxied",
    "settings",
    "tags",
    "ttl",
    "type",
    "zoneId",
]
# What the provider fills in itself if the program says nothing.
RECORD_COMPUTED = ("content", "proxied", "settings", "tags")
DNSSEC_FLAGS = ("dnssecMultiSigner", "dnssecPresigned", "dnssecUseNsec3")
DNSSEC_INPUTS = (*DNSSEC_FLAGS, "status", "zoneId")
DNSSEC_OUTPUTS = [
    "algorithm",
    "digest",
    "digestAlgorithm",
    "digestType",
    "ds",
    "flags",
    "keyTag",
    "keyType",
    "modifiedOn",
    "publicKey",
]


def camel(name: str) -> str:
    """``matching_type`` as ``matchingType``."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def snake(name: str) -> str:
    """``matchingType`` as ``matching_type``."""
    return re.sub(r"(?<!^)[A-Z]", lambda match: "_" + match[0].lower(), name)


def value_in(value: Any, key: str = "") -> Any:
    """A value of the API as a property: other names, no nulls, times without fractions."""
    if isinstance(value, Mapping):
        return {camel(k): value_in(v, k) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [value_in(item) for item in value]
    if isinstance(value, str) and key.endswith("_on"):
        return re.sub(r"\.[0-9]+Z$", "Z", value)
    return value


def value_out(value: Any) -> Any:
    """A property as a value for the API; numbers that are whole are sent as such."""
    if isinstance(value, Mapping):
        return {snake(k): value_out(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [value_out(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def same(key: str, old: Any, new: Any, kind: Any = None) -> bool:
    """Whether a property is unchanged, as the original compares."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        names = {k for k in {**old, **new} if old.get(k) is not None or new.get(k) is not None}
        return all(same(name, old.get(name), new.get(name)) for name in names)
    if key == "flags" and old is not None and new is not None and not has_unknown(new):
        return str(value_out(old)) == str(value_out(new))
    if key == "content" and kind == "CNAME" and isinstance(old, str) and isinstance(new, str):
        return old.lower() == new.lower()
    if key == "name" and isinstance(old, str) and isinstance(new, str):
        # The zone's name is not known here: the API's name may be the program's with a suffix.
        return old == new or new == "@" or (new != "" and old.startswith(f"{new}."))
    return bool(old == new)


def changed(kind: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    """The inputs that differ from the state."""
    found = []
    for key in RECORD_INPUTS if kind == RECORD else DNSSEC_INPUTS:
        new, old = news.get(key), olds.get(key)
        if new is None:
            if key in RECORD_COMPUTED:
                new = False if key == "proxied" else old
        elif key in ("settings", "tags") and has_unknown(new):
            new = old
        if not same(key, old, new, olds.get("type")):
            found.append(key)
    return found


def computed_by(found: list[str]) -> list[str]:
    """The outputs of a record that are unknown when these inputs change."""
    computed = [] if {*found} <= {"zoneId", "privateRouting"} else ["modifiedOn"]
    return computed + [f"{key}ModifiedOn" for key in ("comment", "tags") if key in found]
