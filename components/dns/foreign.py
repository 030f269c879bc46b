"""Records of others at the names where ours are to be.

A live domain has an SPF, a DMARC policy, an MX. A second SPF or DMARC makes both void (RFC 7208
section 3.2, RFC 9989), and so for the others of `_ONE`: such a record is taken over first, never
doubled. What may well stand beside ours, an MX for example, is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.dns.records import Record

# How the texts begin of which a name must have one only: SPF (RFC 7208 section 3.2), DMARC,
# MTA-STS (RFC 8461 section 3.1), TLSRPT (RFC 8460 section 3).
_ONE = {"v=spf1": "SPF", "v=dmarc1": "DMARC", "v=stsv1": "MTA-STS", "v=tlsrptv1": "TLSRPT"}
_ADDRESSES = ("A", "AAAA")


@dataclass
class Foreign:
    """`refused`: one line each, with its YAML path and the way out. `told`: sentences."""

    refused: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


def judge(
    wanted: Sequence[Record],
    listed: Mapping[str, Iterable[Mapping[str, Any]]],
    held: Mapping[str, str],
    adopted: Mapping[str, str],
) -> Foreign:
    """Compare the table with the zones.

    `listed`: zone to its records as the API tells them. `held`: a record's key to the ID under
    which the state has it. `adopted`: a record's key to the ID that the stack file gives.
    """
    ours, found = {*held.values(), *adopted.values()}, Foreign()
    at: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for zone, records in listed.items():
        for other in records:
            if other.get("id") not in ours:
                at.setdefault((zone, str(other.get("name")).lower()), []).append(other)
    for record in wanted:
        for other in at.get((record.zone, record.name), ()):
            _compare(record, other, record.key in held or record.key in adopted, found)
    found.refused = list(dict.fromkeys(found.refused))
    found.told = list(dict.fromkeys(found.told))
    return found


def _compare(record: Record, other: Mapping[str, Any], is_there: bool, found: Foreign) -> None:
    """Of one record of ours and one that is not ours, at the same name."""
    kind, content = str(other.get("type")), str(other.get("content"))
    what = f"{record.name} has {_article(kind)} record of others, {_shown(other)}"
    if kind == record.type and _same(record, content) and _number(other) == record.priority:
        # The API makes no second one of these, and scripts/records takes its own ones over.
        if not is_there:
            found.told.append(
                f"{what}, which is the one that is to be made. {_line(record, other)}"
            )
        return
    if "CNAME" in (kind, record.type):
        rule = f"{what} (ID {other.get('id')}), and a CNAME is alone at its name (RFC 1034 3.6.2)"
        found.refused.append(f"dns: {rule}: take that record away before the {record.type} comes")
        return
    if kind != record.type:
        return
    single = _single(record)
    if single and single == _single_of(record.name, content):
        if is_there:
            found.told.append(
                f"{what}, beside ours: with two {single} records both are void for receivers. "
                f"Take the other one (ID {other.get('id')}) away."
            )
        else:
            found.refused.append(
                f"dns.adopt: {what}: a second {single} record would make both void. "
                f"{_line(record, other)}"
            )
    elif kind == "MX":
        found.told.append(_mx(record, other))
    elif kind in _ADDRESSES:
        found.told.append(
            f"{record.name} has an address that is not ours, {content}: senders that choose it do "
            "not reach the MX host."
        )
    elif kind == "TLSA":
        found.told.append(
            f"{what}: senders with DANE defer mail when only that one is left and does not match."
        )


def _line(record: Record, other: Mapping[str, Any]) -> str:
    """How a record is taken over."""
    return (
        "To take it over as it is, give the stack file its text and TTL, and "
        f"`{record.key}: {other.get('id')}` under dns.adopt."
    )


def _mx(record: Record, other: Mapping[str, Any]) -> str:
    theirs, ours = _number(other) or 0, record.priority or 0
    order = (
        "before ours" if theirs < ours else "after ours" if theirs > ours else "as often as ours"
    )
    if record.content == ".":
        order = "and the null MX of ours contradicts it"
    return (
        f"Mail for {record.name} also goes to {str(other.get('content')).rstrip('.')}, "
        f"preference {theirs}, {order}."
    )


def _single(record: Record) -> str | None:
    return _single_of(record.name, record.content) if record.type == "TXT" else None


def _single_of(name: str, content: object) -> str | None:
    """Which policy a TXT record is, if a name must have one of it only."""
    if "._domainkey." in name:
        return "DKIM"
    if not isinstance(content, str):
        return None
    text = content.replace('" "', "").strip('"').lower()
    return next((kind for begin, kind in _ONE.items() if text.startswith(begin)), None)


def _same(record: Record, content: str) -> bool:
    mine = record.content
    if not isinstance(mine, str):
        return False
    if record.type == "TXT":
        return mine.replace('" "', "").strip('"') == content.replace('" "', "").strip('"')
    return mine.rstrip(".").lower() == content.rstrip(".").lower()


def _number(other: Mapping[str, Any]) -> int | None:
    value = other.get("priority")
    return int(value) if isinstance(value, (int, float)) else None


def _article(kind: str) -> str:
    return f"an {kind}" if kind in ("A", "AAAA", "MX") else f"a {kind}"


def _shown(other: Mapping[str, Any]) -> str:
    text = str(other.get("content"))
    return text if len(text) <= 120 else f"{text[:120]}..."
