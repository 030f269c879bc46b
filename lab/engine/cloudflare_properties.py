"""Properties of the original's records and DNSSEC, and the values of the API that they come from.

The bridge keeps what a program said, and fills in from the API what the program left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lab.engine.plugin import UNKNOWN, Unknown

RECORD = "cloudflare:index/dnsRecord:DnsRecord"
DNSSEC = "cloudflare:index/zoneDnssec:ZoneDnssec"
SETTINGS = ("flattenCname", "ipv4Only", "ipv6Only")
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
_TEXTS = frozenset({"algorithm", "digest_type", "id"})
_NUMBERS = frozenset(
    {"key_tag", "matching_type", "port", "priority", "selector", "ttl", "usage", "weight"}
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def camel(name: str) -> str:
    """``matching_type`` as ``matchingType``."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def snake(name: str) -> str:
    """``matchingType`` as ``matching_type``."""
    return re.sub(r"(?<!^)[A-Z]", lambda match: "_" + match[0].lower(), name)


def value_in(value: Any, key: str = "", depth: int = 0) -> Any:
    """A value of the API as a property: other names, no nulls, times without fractions.

    What the original cannot read is unknown: a broken time, a number in the place of a text.
    """
    if isinstance(value, Mapping):
        return {camel(k): value_in(v, k, depth + 1) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [value_in(item) for item in value]
    if depth == 1 and key in _TEXTS and not isinstance(value, str):
        return UNKNOWN
    if isinstance(value, str) and (key in _NUMBERS or (depth == 1 and key == "flags")):
        return float(value) if re.fullmatch(r"[0-9.]+", value) else UNKNOWN
    if isinstance(value, str) and key.endswith("_on"):
        return re.sub(r"\.[0-9]+Z$", "Z", value) if _TIME.fullmatch(value) else UNKNOWN
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


def same(key: str, old: Any, new: Any) -> bool:
    """Whether a property is unchanged, as the original compares."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        names = {k for k in {**old, **new} if old.get(k) is not None or new.get(k) is not None}
        return all(same(name, old.get(name), new.get(name)) for name in names)
    if key == "name" and isinstance(old, str) and isinstance(new, str):
        # The zone's name is not known here: the API's name may be the program's with a suffix.
        return old == new or new == "@" or (new != "" and old.startswith(f"{new}."))
    if key == "tags" and isinstance(old, list) and isinstance(new, list):
        return sorted(map(str, old)) == sorted(map(str, new))
    if isinstance(old, bool | Unknown) or isinstance(new, bool | Unknown):
        return bool(old == new)
    if isinstance(old, str | float | int) and isinstance(new, str | float | int):
        # Numbers may be written as texts.
        return str(value_out(old)) == str(value_out(new))
    return bool(old == new)
