"""What a preview says of a record of others that one of ours meets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.dns.foreign import Api, Met


def line(met: Met) -> str:
    """What is there, what comes of that, and what to do."""
    return _LINES[met.kind](met)


def adopted_by_no_record(key: str) -> str:
    """A line of dns.adopt without a record."""
    return f"dns.adopt.{key}: the stack has no record of this name, so nothing is taken over"


def _what(met: Met) -> str:
    kind = str(met.other.get("type"))
    article = "an" if kind in ("A", "AAAA", "MX") else "a"
    return f"{met.record.name} has {article} {kind} record of others, {shown(met.other)}"


def shown(other: Api) -> str:
    """The content of a record, cut to a length that a line bears."""
    text = str(other.get("content"))
    return text if len(text) <= 120 else f"{text[:120]}..."


def _take_over(met: Met) -> str:
    return (
        "`mx adopt` takes it over as it is. By hand: give the stack file its text and TTL, and "
        f"`{met.record.key}: {met.other.get('id')}` under dns.adopt."
    )


def _same(met: Met) -> str:
    return f"{_what(met)}, which is the one that is to be made. {_take_over(met)}"


def _cname(met: Met) -> str:
    return (
        f"dns: {_what(met)} (ID {met.other.get('id')}), and a CNAME is alone at its name "
        f"(RFC 1034 3.6.2): take that record away before the {met.record.type} comes"
    )


def _single(met: Met) -> str:
    if met.is_there:
        return (
            f"{_what(met)}, beside ours: with two {met.policy} records both are void for "
            f"receivers. Take the other one (ID {met.other.get('id')}) away."
        )
    return (
        f"dns.adopt: {_what(met)}: a second {met.policy} record would make both void. "
        f"{_take_over(met)}"
    )


def _mx(met: Met) -> str:
    theirs, ours = int(met.other.get("priority") or 0), met.record.priority or 0
    order = (
        "before ours" if theirs < ours else "after ours" if theirs > ours else "as often as ours"
    )
    if met.record.content == ".":
        order = "and the null MX of ours contradicts it"
    return (
        f"Mail for {met.record.name} also goes to {str(met.other.get('content')).rstrip('.')}, "
        f"preference {theirs}, {order}."
    )


def _address(met: Met) -> str:
    return (
        f"{met.record.name} has an address that is not ours, {met.other.get('content')}: senders "
        "that choose it do not reach the MX host."
    )


def _tlsa(met: Met) -> str:
    return (
        f"{_what(met)}: senders with DANE defer mail when only that one is left and does not match."
    )


def _mta_sts(met: Met) -> str:
    return (
        f"_mta-sts.{met.record.name} announces an MTA-STS policy of others: unless its mode is "
        f"none or testing, senders that keep it give no mail to {met.record.content}, which it "
        "must name (RFC 8461 section 5). Let it name our MX hosts for its max_age first."
    )


_LINES: dict[str, Callable[[Met], str]] = {
    "same": _same,
    "cname": _cname,
    "single": _single,
    "mx": _mx,
    "address": _address,
    "tlsa": _tlsa,
    "mta-sts": _mta_sts,
}
