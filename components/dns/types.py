"""The types of DNS records that a stack publishes or a report shows, in one table.

Whoever takes a record apart (the record table, status, outputs, bulk, report, the API double of
the lab) asks here. A type that a list elsewhere forgot would be left out there in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RecordType:
    """The form of one type.

    `fields`: the keys of the API's `data`, in the order of a zone file; without them the API takes
    `content`. `numbers`: those that are numbers. `quoted`: the last field is a character string.
    `upper`: the field that holds hex digits, which the API returns in upper case. `is_name`: the
    content, or the last field, is a domain name. `priority`: a number stands before the content.
    """

    fields: tuple[str, ...] = ()
    numbers: frozenset[str] = frozenset()
    quoted: bool = False
    upper: str | None = None
    is_name: bool = False
    priority: bool = False


TYPES: Mapping[str, RecordType] = {
    "A": RecordType(),
    "AAAA": RecordType(),
    "TXT": RecordType(),
    "CNAME": RecordType(is_name=True),
    "MX": RecordType(is_name=True, priority=True),
    "NS": RecordType(is_name=True),
    "PTR": RecordType(is_name=True),
    "CAA": RecordType(("flags", "tag", "value"), frozenset({"flags"}), quoted=True),
    "SSHFP": RecordType(
        ("algorithm", "type", "fingerprint"), frozenset({"algorithm", "type"}), upper="fingerprint"
    ),
    "TLSA": RecordType(
        ("usage", "selector", "matching_type", "certificate"),
        frozenset({"usage", "selector", "matching_type"}),
        upper="certificate",
    ),
    "SRV": RecordType(
        ("priority", "weight", "port", "target"),
        frozenset({"priority", "weight", "port"}),
        is_name=True,
    ),
}


def api_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """The `data` of the SDK, whose keys are camelCase, with the keys of the API."""
    camel = {"matchingType": "matching_type"}
    return {camel.get(key, key): value for key, value in data.items()}


def rdata(
    kind: str,
    content: object = None,
    data: Mapping[str, Any] | None = None,
    priority: object = None,
    final_dot: bool = False,
) -> str:
    """A record's data as a zone file has it (RFC 1035 section 5.1).

    `final_dot`: names end with their dot. A type that is not in the table gets its fields in the
    order of their names.
    """
    form = TYPES.get(kind, RecordType(tuple(sorted(data or ()))))
    words: list[str]
    if data is None:
        words = [_plain(content)] if content is not None else []
    else:
        words = [_plain(data.get(field, "")) for field in form.fields]
        if form.quoted:
            words[-1] = f'"{words[-1]}"'
    if form.is_name and words and final_dot:
        words[-1] = words[-1].rstrip(".") + "."
    if data is None and priority is not None:
        words.insert(0, _plain(priority))
    return " ".join(words)


def _plain(value: object) -> str:
    """A value as text; the engine's JSON has whole numbers as 10.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
