"""What the original's Check refuses: kinds, enumerations and ranges, in its words.

A value of a wrong kind is an error of the whole call (SchemaError), since the bridge cannot encode
it for Terraform; a value out of its range is a failure of the resource.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lab.engine.plugin import Secret, Unknown

_TYPES = [
    *("A", "AAAA", "CNAME", "MX", "NS", "OPENPGPKEY", "PTR", "TXT", "CAA", "CERT", "DNSKEY"),
    *("DS", "HTTPS", "LOC", "NAPTR", "SMIMEA", "SRV", "SSHFP", "SVCB", "TLSA", "URI"),
]
_BYTE, _WORD, _SIZE = (0.0, 255.0), (0.0, 65535.0), (0.0, 90000000.0)
# A field: the kind of its value, or the range of a number, or the words of an enumeration.
Rule = str | tuple[float, float | None] | list[str]
_DATA: dict[str, Rule] = {
    "algorithm": _BYTE,
    "altitude": (-100000.0, 42849672.95),
    "certificate": "text",
    "digest": "text",
    "digestType": _BYTE,
    "fingerprint": "text",
    "flags": "any",
    "keyTag": _WORD,
    "latDegrees": (0.0, 90.0),
    "latDirection": ["N", "S"],
    "latMinutes": (0.0, 59.0),
    "latSeconds": (0.0, 59.999),
    "longDegrees": (0.0, 180.0),
    "longDirection": ["E", "W"],
    "longMinutes": (0.0, 59.0),
    "longSeconds": (0.0, 59.999),
    "matchingType": _BYTE,
    "order": _WORD,
    "port": _WORD,
    "precisionHorz": _SIZE,
    "precisionVert": _SIZE,
    "preference": _WORD,
    "priority": _WORD,
    "protocol": _BYTE,
    "publicKey": "text",
    "regex": "text",
    "replacement": "text",
    "selector": _BYTE,
    "service": "text",
    "size": _SIZE,
    "tag": "text",
    "target": "text",
    "type": (0.0, None),
    "usage": _BYTE,
    "value": "text",
    "weight": _WORD,
}
_SETTINGS: dict[str, Rule] = dict.fromkeys(("flattenCname", "ipv4Only", "ipv6Only"), "boolean")
RECORD_RULES: dict[str, Rule | dict[str, Rule]] = {
    "comment": "text",
    "content": "text",
    "data": _DATA,
    "includeShadowMetadata": "boolean",
    "name": "text",
    "priority": _WORD,
    "privateRouting": "boolean",
    "proxiable": "boolean",
    "proxied": "boolean",
    "settings": _SETTINGS,
    "tags": "set",
    "ttl": "number",
    "type": _TYPES,
    "zoneId": "text",
}
DNSSEC_RULES: dict[str, Rule | dict[str, Rule]] = {
    "dnssecMultiSigner": "boolean",
    "dnssecPresigned": "boolean",
    "dnssecUseNsec3": "boolean",
    "status": ["active", "disabled"],
    "zoneId": "text",
}
_LISTED = ", ".join(f'"{name}"' for name in _TYPES)
DESCRIPTIONS = {
    "name": "DNS record name (or @ for the zone apex) in Punycode.",
    "ttl": "Time To Live (TTL) of the DNS record in seconds. Setting to 1 means 'automatic'. Value "
    "must be between 60 and 86400, with the minimum reduced to 30 for Enterprise zones.",
    "type": f"Record type. Available values: {_LISTED}.",
    "zoneId": "Identifier.",
}


class SchemaError(Exception):
    """A value that the bridge cannot encode, in the original's words."""


def failures(
    name: str, values: Mapping[str, Any], rules: Mapping[str, Any], required: tuple[str, ...]
) -> list[str]:
    """The reasons against the inputs of a resource. Raises SchemaError."""
    bare = {key: _bare(value) for key, value in values.items()}
    encode(bare, rules)
    missing = [key for key in required if bare.get(key) is None]
    if missing:
        return [f"Missing required property '{key}': {DESCRIPTIONS[key]}" for key in missing]
    found = list(_refused(name, bare, rules, "", ""))
    if bare.get("content") is not None and bare.get("data") is not None:
        for one, other in (("content", "data"), ("data", "content")):
            if not isinstance(bare[one], Unknown) and not isinstance(bare[other], Unknown):
                found.append(
                    f'Invalid Attribute Combination. Attribute "{other}" cannot be specified when '
                    f"\"{one}\" is specified. Examine values at '{name}.{one}'."
                )
    return found


def encode(values: Mapping[str, Any], rules: Mapping[str, Any]) -> None:
    """Raise SchemaError for the first value that is not of its kind."""
    for key in sorted(values):
        value, rule = _bare(values[key]), rules.get(key)
        if rule is None or value is None or isinstance(value, Unknown):
            continue
        text = None
        if isinstance(rule, dict):
            if isinstance(value, Mapping):
                try:
                    encode(value, rule)
                except SchemaError as error:
                    text = str(error)
            else:
                text = f'Expected an Object PropertyValue, found {_kind(value)} ("{_short(value)}")'
        elif rule == "boolean":
            text = None if isinstance(value, bool) else "Expected a Boolean"
        elif rule == "set":
            if not isinstance(value, list):
                text = "set encoder failed: expected an Array PropertyValue, "
                text += "got a resource.PropertyValue"
        elif rule == "text" or isinstance(rule, list):
            if isinstance(value, list | Mapping):
                text = f"Expected a string, got: {_short(value)}"
        elif rule != "any":
            text = _no_number(value)
        if text is not None:
            raise SchemaError(f'objectEncoder failed on property "{_snake(key)}": {text}')


def _no_number(value: Any) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            pass
        else:
            return None
    is_text = "true" if isinstance(value, str) else "false"
    return f"Expected a Number, got {_go(value)} {is_text}"


def _refused(
    name: str, values: Mapping[str, Any], rules: Mapping[str, Any], at: str, path: str
) -> Iterator[str]:
    for key in sorted(values):
        value, rule = _bare(values[key]), rules.get(key)
        if value is None or isinstance(value, Unknown):
            continue
        attribute, where = f"{at}{_snake(key)}", f"'{name}.{path}{key}'"
        if isinstance(rule, dict):
            yield from _refused(name, value, rule, f"{attribute}.", f"{path}{key}.")
        elif isinstance(rule, list) and str(value).upper() not in map(str.upper, rule):
            words = " ".join(f'"{word}"' for word in rule)
            yield (
                f"Invalid Attribute Value Match. Attribute {attribute} value must be one of: "
                f'[{words}], got: "{_text(value)}". Examine values at {where}.'
            )
        elif isinstance(rule, tuple):
            number, (low, high) = float(value), rule
            if number < low or (high is not None and number > high):
                bounds = f"at least {low:f}" if high is None else f"between {low:f} and {high:f}"
                yield (
                    f"Invalid Attribute Value. Attribute {attribute} value must be {bounds}, got: "
                    f"{number:f}. Examine values at {where}."
                )
        elif rule == "any" and isinstance(value, bool | list | Mapping):
            kind = {bool: "Bool", list: "List"}.get(type(value), "Object")
            yield (
                "Value is not one of the allowed types. The following types are allowed: "
                f"basetypes.Float64Type, basetypes.StringType. Received: basetypes.{kind}Type. "
                f"Examine values at {where}."
            )
        elif rule == "set":
            items = [str(_bare(item)) for item in value]
            twice = next((item for item in items if items.count(item) > 1), None)
            if twice is not None:
                yield (
                    "Duplicate Set Element. This attribute contains duplicate values of: "
                    f'tftypes.String<"{twice}">. Examine values at {where}.'
                )


def _bare(value: Any) -> Any:
    return _bare(value.value) if isinstance(value, Secret) else value


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)[A-Z]", lambda match: "_" + match[0].lower(), name)


def _text(value: Any) -> str:
    """A scalar as Go prints it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "[]" if isinstance(value, list) else "string"


def _short(value: Any) -> str:
    """A property value as Go's ``%v`` prints it."""
    value = _bare(value)
    if isinstance(value, Unknown):
        return "output<string>{}"
    if isinstance(value, list):
        return "{[" + " ".join(map(_short, value)) + "]}"
    if isinstance(value, Mapping):
        return "{map[" + " ".join(f"{key}:{_short(value[key])}" for key in sorted(value)) + "]}"
    return "{" + _text(value) + "}"


def _go(value: Any) -> str:
    """A property value as Go's ``%#v`` prints it."""
    value = _bare(value)
    if isinstance(value, Unknown):
        inner = 'resource.Computed{Element:resource.PropertyValue{V:""}}'
    elif isinstance(value, list):
        inner = "[]resource.PropertyValue{" + ", ".join(map(_go, value)) + "}"
    elif isinstance(value, Mapping):
        inner = "resource.PropertyMap{"
        inner += ", ".join(f'"{key}":{_go(value[key])}' for key in sorted(value)) + "}"
    else:
        inner = f'"{value}"' if isinstance(value, str) else _text(value)
    return f"resource.PropertyValue{{V:{inner}}}"
