"""Zones are looked at before anything is planned: each must be what the stack file calls it.

An ID says nothing to a reader. With one wrong digit or two IDs interchanged the engine would delete
what it has in the right zone. So each run asks for the zone's name and for what the token may do;
nothing here changes a record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from components.dns.api import DnsApi
from components.dns.client import Client, Refused, Silent

Listed = list[dict[str, Any]]

# Cloudflare allows a user 1,200 requests in five minutes; here two are made a zone.
MOST_ZONES = 300
_AT_ONCE = 8
_ZONES_A_PAGE = 50
# No record has this ID. A change of it is refused to a token that may not write, before the API
# looks for the record.
_NO_RECORD = "0" * 32
_NOT_ALLOWED = (401, 403)
# How Cloudflare says that a token is none of its own, or has ended.
_UNKNOWN = re.compile(r"Invalid (?:access|API) [Tt]oken", re.IGNORECASE)
_NOT_KNOWN = (
    "Cloudflare does not know this token. It is CLOUDFLARE_API_TOKEN of your shell, or "
    "cloudflare:apiToken in the stack file: correct it, or create a new one"
)
_SCOPES = (
    "the token needs the scopes Zone > Zone > Read and Zone > DNS > Read for it, and for `up` "
    "Zone > DNS > Edit"
)


@dataclass
class Look:
    """What was found.

    `faults`: one line each, beginning with its YAML path. `records`: zone to all its records as
    the API tells them, where they were asked for. `reads_only`: zones whose token may not change
    records. `silent`: why the API gave no answer, or empty.
    """

    faults: list[str] = field(default_factory=list)
    silent: str = ""
    records: dict[str, Listed] = field(default_factory=dict)
    reads_only: frozenset[str] = frozenset()


def look(zones: Mapping[str, str], api: DnsApi, write: bool, read_records: bool) -> Look:
    """Compare zones (name to ID) with the API's; all requests go side by side.

    `write`: the token must be able to change records, as for `up`. `read_records`: list all
    records; without it only a few are asked for, to see that the token may. Of more zones than
    MOST_ZONES only the names are compared.
    """
    found = Look()
    try:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            tokens = sorted({api.tokens[zone] for zone in zones})
            clients = {token: Client(token, api.base_url) for token in tokens}
            names = [
                pool.submit(
                    _identity,
                    clients[token],
                    {zone: number for zone, number in zones.items() if api.tokens[zone] == token},
                )
                for token in tokens
            ]
            asked = zones if len(zones) <= MOST_ZONES else {}
            read = _records if read_records else _may_read
            of = {zone: (clients[api.tokens[zone]], zone, asked[zone]) for zone in asked}
            reads = {zone: pool.submit(read, *each) for zone, each in of.items()}
            writes = {zone: pool.submit(_may_not_write, *each) for zone, each in of.items()}
        found.faults = [line for name in names for line in name.result()]
        for zone in () if found.faults else asked:
            lines, found.records[zone] = reads[zone].result()
            refusal = writes[zone].result()
            if refusal:
                found.reads_only |= {zone}
            found.faults += lines or ([refusal] if write and refusal else [])
    except Silent as error:
        found.silent = f"the API of the zones did not answer: {error}"
    return found


def _identity(client: Client, zones: Mapping[str, str]) -> list[str]:
    """Zones whose ID is of another zone, or of none that the token sees."""
    names: dict[str, str] = {}
    try:
        for item in client.pages("zones", _ZONES_A_PAGE):
            names[str(item.get("id"))] = str(item.get("name"))
            if all(names.get(number) == name for name, number in zones.items()):
                return []
    except Refused as error:
        cure = _NOT_KNOWN if _UNKNOWN.search(str(error)) else _SCOPES
        return [f"dns.zones.{name}: the API refuses the token ({error}); {cure}" for name in zones]
    numbers = {name: number for number, name in names.items()}
    lines = []
    for name, number in zones.items():
        if names.get(number) == name:
            continue
        if number in names:
            what = f"{number} is the ID of the zone {names[number]}"
        else:
            what = f"the token sees no zone with the ID {number}"
        if name in numbers:
            cure = f"the ID of {name} is {numbers[name]}"
        else:
            cure = f"it sees no zone {name} either: is that in the token's account? {_SCOPES}"
        lines.append(f"dns.zones.{name}: {what}; {cure}")
    return lines


def _records(client: Client, zone: str, number: str) -> tuple[list[str], Listed]:
    """That the token may not read the zone's records, or the records."""
    try:
        return [], list(client.records(number))
    except Refused as error:
        return [_unreadable(zone, error)], []


def _may_read(client: Client, zone: str, number: str) -> tuple[list[str], Listed]:
    """The same without the records."""
    try:
        client.call("GET", f"zones/{number}/dns_records?per_page=5")
    except Refused as error:
        return [_unreadable(zone, error)], []
    return [], []


def _unreadable(zone: str, error: Refused) -> str:
    return f"dns.zones.{zone}: the token may not read the zone's records ({error}); {_SCOPES}"


def _may_not_write(client: Client, zone: str, number: str) -> str:
    """That the token may not change the zone's records; empty when it may."""
    try:
        client.call("PATCH", f"zones/{number}/dns_records/{_NO_RECORD}", {"ttl": 1})
    except Refused as error:
        if error.status in _NOT_ALLOWED:
            return (
                f"dns.zones.{zone}: the token may read the zone's records and not change them "
                f"({error}); `up` needs the scope Zone > DNS > Edit"
            )
    return ""
