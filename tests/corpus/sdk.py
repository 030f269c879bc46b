"""Whether the types of the SDK let a recorded call's values through.

Decided by the annotations of the SDK's own classes: a name that is no argument, an argument that is
missing, or a value of another kind is refused. Unknown and secret values fit everywhere.
"""

from __future__ import annotations

import types
from collections.abc import Awaitable, Mapping, Sequence
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pulumi
import pulumi_cloudflare
import pulumi_command
from pulumi._types import input_type_py_to_pulumi_names, is_input_type

from lab.engine.plugin import OUTPUT_SIG, SECRET_SIG, SIG_KEY, UNKNOWN_SIG

ARGUMENTS: Mapping[str, Any] = {
    "cloudflare:index/dnsRecord:DnsRecord": pulumi_cloudflare.DnsRecordArgs,
    "cloudflare:index/zoneDnssec:ZoneDnssec": pulumi_cloudflare.ZoneDnssecArgs,
    "command:remote:Command": pulumi_command.remote.CommandArgs,
    "command:local:Command": pulumi_command.local.CommandArgs,
}
# What the SDK names without importing: an Input may be an Output, which no recorded value is.
_NAMES = {"Output": pulumi.Output, "T": Any}
_VALUES = {"Check": "news", "Diff": "news", "Update": "news", "Create": "properties"}


def kind_of(call: Mapping[str, Any]) -> str:
    """The type of the resource that a call is about; empty for a call about none."""
    request = call["request"] if isinstance(call["request"], dict) else {}
    urn = str(request.get("urn", ""))
    return request.get("type") or request.get("tok") or (urn.split("::")[2] if "::" in urn else "")


def values_of(call: Mapping[str, Any]) -> dict[str, Any] | None:
    """The inputs of a program that a call carries."""
    name = _VALUES.get(call["method"])
    return (call["request"].get(name) or {}) if name else None


def refused(call: Mapping[str, Any]) -> bool:
    """Whether no program that passes mypy can lead to this call."""
    arguments, values = ARGUMENTS.get(kind_of(call)), values_of(call)
    return arguments is not None and values is not None and not _fits_class(values, arguments)


def _fits_class(value: Any, cls: Any) -> bool:
    if not isinstance(value, dict) or SIG_KEY in value:
        return False
    hints = get_type_hints(cls.__init__, localns=_NAMES)
    names = {outer: inner for inner, outer in input_type_py_to_pulumi_names(cls).items()}
    if not {*value} <= {*names}:
        return False
    return all(
        _fits(value.get(outer), hints[inner]) for outer, inner in names.items() if inner in hints
    )


def _fits(value: Any, hint: Any) -> bool:
    if value == UNKNOWN_SIG or hint is Any:
        return True
    if isinstance(value, dict) and value.get(SIG_KEY) in (SECRET_SIG, OUTPUT_SIG):
        return "value" not in value or _fits(value["value"], hint)
    if value is None:
        return hint is type(None) or type(None) in get_args(hint)
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, each) for each in inner)
    if origin in (Awaitable, pulumi.Output) or hint is type(None):
        return False
    if origin is Sequence or origin is list:
        return isinstance(value, list) and all(_fits(item, inner[0]) for item in value)
    if origin is Mapping or origin is dict:
        plain = isinstance(value, dict) and SIG_KEY not in value
        return plain and all(_fits(item, inner[1]) for item in value.values())
    return _fits_plain(value, hint)


def _fits_plain(value: Any, hint: Any) -> bool:
    if not isinstance(hint, type):
        return False
    if issubclass(hint, Enum):
        return value in [each.value for each in hint]
    if hint in (int, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint in (str, bool):
        return isinstance(value, hint)
    return is_input_type(hint) and _fits_class(value, hint)
