"""Records of others at the names where ours are to be.

A live domain has an SPF, a DMARC policy, an MX. A second SPF or DMARC makes both void (RFC 7208
section 3.2, RFC 9989), and so for the others of `_ONE`: such a record is taken over first, never
doubled. What may well stand beside ours, an MX for example, is told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from components.dns import foreign_words as words
from components.dns.records import Record

# How the texts begin of which a name must have one only: SPF (RFC 7208 section 3.2), DMARC,
# MTA-STS (RFC 8461 section 3.1), TLSRPT (RFC 8460 section 3).
_ONE = {"v=spf1": "SPF", "v=dmarc1": "DMARC", "v=stsv1": "MTA-STS", "v=tlsrptv1": "TLSRPT"}
_ADDRESSES = ("A", "AAAA")

Api = Mapping[str, Any]
Kind = Literal["same", "single", "cname", "mx", "address", "tlsa", "mta-sts"]


@dataclass(frozen=True)
class Met:
    """A record of ours, and one of others that it meets at its name.

    `kind`: "same", equal but for TTL; "single", a policy of which a name must have one; "cname", a
    CNAME in the way of the other; "mx", "address", "tlsa", one beside ours; "mta-sts", an
    announced policy of others for a domain whose MX is ours. `is_there`: the stack has its own
    record already, or takes one over. `policy`: SPF, DMARC ... of which a name must have one, and
    `several`: how many records of others are this policy there. `ours`: all MX records of the
    stack at the name, for an MX.
    """

    record: Record
    other: Api
    kind: Kind
    is_there: bool
    policy: str = ""
    ours: tuple[Record, ...] = ()
    several: int = 1


@dataclass
class Foreign:
    """`refused`: one line each, with its YAML path and the way out. `told`: sentences."""

    refused: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


def meet(
    wanted: Sequence[Record],
    listed: Mapping[str, Collection[Api]],
    held: Mapping[str, str],
    adopted: Mapping[str, str],
) -> list[Met]:
    """Every record of others that one of ours meets.

    `listed`: zone to its records as the API tells them. `held`: a record's key to the ID under
    which the state has it. `adopted`: a record's key to the ID that the stack file gives.
    """
    # The ID of a record that is gone, in the state or under dns.adopt, stands for no record:
    # somebody may have made another one at its name since.
    there = {other.get("id") for records in listed.values() for other in records}
    held, adopted = (
        {key: number for key, number in known.items() if number in there}
        for known in (held, adopted)
    )
    ours = {*held.values(), *adopted.values()}
    at: dict[tuple[str, str], list[Api]] = {}
    for zone, records in listed.items():
        for other in records:
            if other.get("id") not in ours:
                at.setdefault((zone, str(other.get("name")).lower()), []).append(other)
    taken = {(record.zone, record.name) for record in wanted}
    found: list[Met] = []
    for record in wanted:
        is_there = record.key in held or record.key in adopted
        others = at.get((record.zone, record.name), [])
        of = [single for single in map(policy, others) if single and single == _single(record)]
        for other in others:
            mets = _compare(record, other, is_there)
            found += (replace(met, policy="".join(of[:1]), several=len(of)) for met in mets)
        announced = (record.zone, f"_mta-sts.{record.name}")
        if record.type == "MX" and record.content != "." and announced not in taken:
            policies = (each for each in at.get(announced, ()) if policy(each) == "MTA-STS")
            found += [Met(record, other, "mta-sts", is_there) for other in policies]
    # One that is equal to one of ours stands beside none of ours.
    equal = {met.other.get("id") for met in found if met.kind == "same"}
    exchangers: dict[str, list[Record]] = {}
    for record in wanted:
        if record.type == "MX":
            exchangers.setdefault(record.name, []).append(record)
    return [
        replace(met, ours=tuple(exchangers[met.record.name])) if met.kind == "mx" else met
        for met in found
        if met.kind == "same" or met.other.get("id") not in equal
    ]


def judge(
    wanted: Sequence[Record],
    listed: Mapping[str, Collection[Api]],
    held: Mapping[str, str],
    adopted: Mapping[str, str],
) -> Foreign:
    """Compare the table with the zones; see `meet` for what is given."""
    refused: list[str] = []
    told: list[str] = []
    for met in meet(wanted, listed, held, adopted):
        if met.kind == "same" and met.is_there:
            continue
        line = words.line(met)
        stops = met.kind == "cname" or (met.kind == "single" and not met.is_there)
        (refused if stops else told).append(line)
    keys = {record.key for record in wanted}
    told += [words.adopted_by_no_record(key) for key in adopted if key not in keys]
    return Foreign(list(dict.fromkeys(refused)), list(dict.fromkeys(told)))


def _compare(record: Record, other: Api, is_there: bool) -> Iterator[Met]:
    """Of one record of ours and one that is not ours, at the same name."""
    kind = str(other.get("type"))
    if kind == record.type and same(record, other):
        # The API makes no second one of these, and scripts/records takes its own ones over.
        yield Met(record, other, "same", is_there)
    elif "CNAME" in (kind, record.type):
        yield Met(record, other, "cname", is_there)
    elif kind == record.type:
        single = _single(record)
        if single and single == policy(other):
            yield Met(record, other, "single", is_there)
        elif kind == "MX":
            yield Met(record, other, "mx", is_there)
        elif kind in _ADDRESSES:
            yield Met(record, other, "address", is_there)
        elif kind == "TLSA":
            yield Met(record, other, "tlsa", is_there)


def _single(record: Record) -> str | None:
    return _single_of(record.name, record.content) if record.type == "TXT" else None


def policy(other: Api) -> str | None:
    """Which policy a TXT record of the API is: SPF, DMARC, MTA-STS, TLSRPT or DKIM."""
    return _single_of(str(other.get("name")), str(other.get("content")))


def _single_of(name: str, content: object) -> str | None:
    """Which policy a TXT record is, if a name must have one of it only."""
    if "._domainkey." in name:
        return "DKIM"
    if not isinstance(content, str):
        return None
    text = content.replace('" "', "").strip('"').lower()
    return next((kind for begin, kind in _ONE.items() if text.startswith(begin)), None)


def same(record: Record, other: Api) -> bool:
    """Whether a record of the API, of the same name and type, says what ours says."""
    if number(other) != record.priority and record.type == "MX":
        return False
    if record.data is not None:
        names = {"matchingType": "matching_type"}
        mine = {names.get(key, key): str(value) for key, value in record.data.items()}
        there = other.get("data")
        return isinstance(there, dict) and mine == {k: str(v) for k, v in there.items()}
    if not isinstance(record.content, str):
        return False
    content = str(other.get("content"))
    if record.type == "TXT":
        return record.content.replace('" "', "").strip('"') == content.replace('" "', "").strip('"')
    return record.content.rstrip(".").lower() == content.rstrip(".").lower()


def number(other: Api) -> int | None:
    """The preference of an MX record as the API tells it."""
    value = other.get("priority")
    return int(value) if isinstance(value, (int, float)) else None
