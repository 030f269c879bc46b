"""What a preview says of a record of others that one of ours meets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.dns.foreign import Api, Met


_NAMED = 3  # so many MX hosts of ours are named in a sentence


# What the stack makes itself, so that another one cannot be kept.
_MADE = {
    "DKIM": "`mx adopt` takes the record over if an MX host has that key, or the stack file. Else "
    "choose another spamFilter.dkimSelector, or remove the record if nothing signs with it",
    "MTA-STS": "The stack makes the id of its policy itself. When our policy is to be served, "
    "remove the record",
}


def line(met: Met) -> str:
    """What is there, what comes of that, and what to do."""
    return _LINES[met.kind](met)


def adopted_by_no_record(key: str) -> str:
    """A line of dns.adopt without a record."""
    return (
        f"dns.adopt.{key}: this stack has no record of this name, so nothing can be taken over; "
        "remove this line"
    )


def _what(met: Met) -> str:
    kind = str(met.other.get("type"))
    article = "an" if kind in ("A", "AAAA", "MX") else "a"
    return (
        f"{met.record.name} already has {article} {kind} record that is not this stack's, "
        f"{shown(met.other)}"
    )


def shown(other: Api) -> str:
    """The content of a record, cut to a length that a line bears."""
    text = str(other.get("content"))
    return text if len(text) <= 120 else f"{text[:120]}..."


def _take_over(met: Met) -> str:
    return (
        "`mx adopt` takes the record over unchanged. By hand: copy its text and TTL to the "
        f"stack file, and add `{met.record.key}: {met.other.get('id')}` under dns.adopt."
    )


def _same(met: Met) -> str:
    return (
        f"{_what(met)}. This stack has the same one, and Cloudflare refuses a second one: `mx up` "
        f"fails there. {_take_over(met)}"
    )


def _cname(met: Met) -> str:
    return (
        f"dns: {_what(met)} (ID {met.other.get('id')}), and a CNAME must be the only record "
        "of its name (RFC 1034 3.6.2): remove that record before this stack creates its "
        f"{met.record.type}"
    )


def _single(met: Met) -> str:
    if met.is_there:
        return (
            f"{_what(met)}, besides this stack's: with two {met.policy} records, receivers "
            f"ignore both. Remove the other one (ID {met.other.get('id')})."
        )
    if met.several > 1:
        return (
            f"dns.adopt: {met.record.name} has {met.several} {met.policy} records that are not "
            "this stack's, and receivers ignore all of them today. Leave the one that is right, "
            "then run `mx adopt`"
        )
    second = f"dns.adopt: {_what(met)}: with a second {met.policy} record, receivers would ignore"
    if met.policy in _MADE:
        return f"{second} both. {_MADE[met.policy]} (ID {met.other.get('id')})"
    return f"{second} both. {_take_over(met)}"


def _mx(met: Met) -> str:
    theirs = int(met.other.get("priority") or 0)
    there = f"{str(met.other.get('content')).rstrip('.')}, preference {theirs}"
    if met.record.content == ".":
        return (
            f"Mail for {met.record.name} also goes to {there}, and this stack's null MX "
            "contradicts it."
        )
    order: dict[str, list[str]] = {}
    for own in sorted(met.ours or (met.record,), key=lambda each: each.priority or 0):
        ours = own.priority or 0
        word = "after" if theirs > ours else "as often as" if theirs == ours else "before"
        order.setdefault(word, []).append(f"{own.content} ({ours})")
    told = (
        f"{word} {' and '.join(names) if len(names) <= _NAMED else f'{len(names)} hosts of ours'}"
        for word, names in order.items()
    )
    return f"Mail for {met.record.name} also goes to {there}: {', '.join(told)}."


def _address(met: Met) -> str:
    return (
        f"{met.record.name} also has an address that is not this stack's, "
        f"{met.other.get('content')}: senders that choose it do not reach the MX host."
    )


def _tlsa(met: Met) -> str:
    return (
        f"{_what(met)}: if only that record is left and does not match, senders with DANE "
        "defer their mail."
    )


def _mta_sts(met: Met) -> str:
    return (
        f"_mta-sts.{met.record.name} announces an MTA-STS policy that is not this stack's. "
        "Unless its mode is none or testing, senders that keep this policy deliver to "
        f"{met.record.content} only if the policy names it (RFC 8461 section 5). Let the "
        "policy name this stack's MX hosts for its max_age first."
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
