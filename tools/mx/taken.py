"""What `mx destroy` would take away, as the engine's state has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from components.protocol.calls import host_of_agent
from components.settings.text import visible

from .progress import OTHER, is_component, place

_COMMAND, _RECORD = "command:remote:Command", "cloudflare:index/dnsRecord:DnsRecord"

_SHOWN, _LINE = 40, 160


def words(resources: Iterable[Mapping[str, Any]]) -> str:
    """One sentence on the records and hosts of a state; empty when there are none."""
    listed = list(resources)
    records = [each.get("outputs") or {} for each in listed if each.get("type") == _RECORD]
    mx = sorted({str(each.get("name")) for each in records if each.get("type") == "MX"})
    names = (
        str(each.get("urn")).rpartition("::")[2] for each in listed if each.get("type") == _COMMAND
    )
    hosts = sorted({host for host in map(host_of_agent, names) if host is not None})
    parts = []
    if records:
        among = f", with the MX records of {', '.join(mx)}" if mx else ""
        parts.append(f"{len(records)} DNS record{'s' * (len(records) != 1)}{among}")
    if hosts:
        parts.append(
            f"all that MX set up on {', '.join(hosts)}: files that were there before come back, "
            "packages stay"
        )
    return "; ".join(parts)


def lines(resources: Iterable[Mapping[str, Any]]) -> list[str]:
    """The records, a line each, at most 40."""
    records = (each.get("outputs") or {} for each in resources if each.get("type") == _RECORD)
    found = sorted(
        _cut(visible(f"{each.get('name')} {each.get('type')} {each.get('content') or ''}"))
        for each in records
    )
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return [*found[:_SHOWN], *more]


def _cut(line: str) -> str:
    return line if len(line) <= _LINE else f"{line[:_LINE]} …"


def exchangers(
    leaves: Iterable[Mapping[str, Any]], listed: Iterable[Mapping[str, Any]]
) -> dict[str, list[str]]:
    """Each domain that loses an MX record, and where its other MX records lead.

    `listed`: the records of the zones as the API tells them.
    """
    gone = [each.get("outputs") or {} for each in leaves if each.get("type") == _RECORD]
    numbers = {each.get("id") for each in gone}
    left: dict[str, list[str]] = {
        str(each.get("name")).lower(): [] for each in gone if each.get("type") == "MX"
    }
    for record in listed:
        name = str(record.get("name")).lower()
        if record.get("type") == "MX" and name in left and record.get("id") not in numbers:
            left[name].append(str(record.get("content")).rstrip(".").lower())
    return {name: sorted(others) for name, others in sorted(left.items())}


def adopted(resources: Iterable[Mapping[str, Any]], keys: Collection[str]) -> list[str]:
    """The URNs of records that were there before the stack, which took them over.

    `keys`: those of `dns.adopt` in the stack file. The engine forgets soon what it imported, and a
    record that somebody deleted was made anew under another ID.
    """
    found = []
    for each in resources:
        urn = str(each.get("urn"))
        key = urn.rpartition("::")[2].removeprefix("dns-")
        if each.get("type") == _RECORD and key in keys:
            found.append(urn)
    return found


def count(resources: Iterable[Mapping[str, Any]], hosts: Iterable[str]) -> Counter[str]:
    """How many resources of each host, and how many records, `mx destroy` takes away."""
    names = list(hosts)
    urns = (str(each.get("urn")) for each in resources)
    found = Counter(place(urn, names)[0] for urn in urns if not is_component(urn))
    del found[OTHER]
    return found
