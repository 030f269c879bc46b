"""Rules about the spam filter, tables, recipients and the queue.

Sources: MILTER_README, DATABASE_README, NON_BERKELEYDB_README, BACKSCATTER_README, RFC 5321.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.audit.model import Finding, MainCf

_DOMAINS = ("mydestination", "relay_domains", "virtual_alias_domains", "virtual_mailbox_domains")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def filters(main: MainCf) -> Iterable[Finding]:
    """What happens to mail while the spam filter is down."""
    name = "milter_default_action"
    action = main.value(name)
    if action == "accept":
        yield main.finding(
            name,
            "dangerous",
            "while the filter is down every message passes unfiltered",
            "Write tempfail, or shutdown where the version has it.",
        )
    elif action == "reject":
        yield main.finding(
            name,
            "dangerous",
            "while the filter is down every message is refused for good",
            "Write tempfail, or shutdown where the version has it.",
        )
    elif action == "tempfail" and main.newer():
        yield main.finding(
            name,
            "obsolete",
            "shutdown is the default of the releases of 2026 (3.7.20, 3.8.15, 3.9.9, 3.10.8, 3.11)",
            "Remove the line there; older ones need tempfail.",
        )
    if main.value("milter_protocol", "6") < "6":
        yield main.finding(
            "milter_protocol",
            "obsolete",
            "the filter gets less than it can use",
            "Remove the line.",
        )


def tables(main: MainCf) -> Iterable[Finding]:
    """Berkeley DB files, which distributions drop."""
    for entry in main.entries:
        for kind in dict.fromkeys(re.findall(r"\b(hash|btree):", entry.value)):
            if main.used[entry.name] is entry:
                yield main.finding(
                    entry.name,
                    "obsolete",
                    f"{kind}: is Berkeley DB, which distributions drop (NON_BERKELEYDB_README)",
                    "Write lmdb: and build the table again with postmap.",
                )


def recipients(main: MainCf) -> Iterable[Finding]:
    """Domains without a list of their recipients, or in two classes at once."""
    if main.value("relay_domains") not in ("", "$mydestination") and not main.value(
        "relay_recipient_maps"
    ):
        yield main.finding(
            "relay_domains",
            "dangerous",
            "without relay_recipient_maps unknown recipients are accepted and bounced: backscatter",
            "Set relay_recipient_maps to the addresses that exist.",
        )
    seen: dict[str, str] = {}
    for name in _DOMAINS:
        for word in main.words(name):
            if ":" in word or "/" in word or "$" in word:
                continue
            if word in seen and seen[word] != name:
                yield main.finding(
                    name,
                    "contradictory",
                    f"{word} is in {seen[word]} too; a domain belongs to one address class",
                    "Keep it in one of them.",
                )
            seen.setdefault(word, name)


def limits(main: MainCf) -> Iterable[Finding]:
    """Sizes that exclude each other, and a queue that gives up too soon."""
    sizes = {}
    for name, default in (("message_size_limit", "10240000"), ("mailbox_size_limit", "51200000")):
        text = main.value(name, default)
        sizes[name] = int(text) if text.isdigit() else -1
    message, mailbox = sizes["message_size_limit"], sizes["mailbox_size_limit"]
    if message >= 0 and mailbox > 0 and ((message == 0) or message > mailbox):
        yield main.finding(
            "message_size_limit",
            "contradictory",
            f"larger than mailbox_size_limit ({mailbox}): local(8) refuses to run",
            "Set mailbox_size_limit = 0, or to more than the message size.",
        )
    lifetime = re.fullmatch(r"(\d+)([smhdw]?)", main.value("maximal_queue_lifetime"))
    if lifetime and int(lifetime[1]) * _SECONDS[lifetime[2] or "d"] < _SECONDS["d"]:
        yield main.finding(
            "maximal_queue_lifetime",
            "dangerous",
            "mail bounces when its destination is away for less than a day (RFC 5321: 4 to 5 days)",
            "Write 5d.",
        )


def leftovers(main: MainCf) -> Iterable[Finding]:
    """Debugging switches, old levels, protocols that exclude the addresses."""
    if main.is_on("soft_bounce"):
        yield main.finding(
            "soft_bounce",
            "dangerous",
            "a debugging switch: unknown recipients are never told, the queue fills",
            "Remove the line.",
        )
    name = "compatibility_level"
    numbers = [int(part) for part in re.findall(r"\d+", main.value(name, "0"))]
    if numbers < [3, 6]:
        yield main.finding(
            name,
            "obsolete",
            f"level {main.value(name, '0')} keeps defaults from before Postfix 3.6 (MD5 "
            "fingerprints, relay restrictions after those of recipients)",
            "Set it to 3.6 or the version at hand, after reading COMPATIBILITY_README.",
        )
    if main.value("inet_protocols") == "ipv4":
        listed = [word for word in main.words("inet_interfaces") if word.count(":") > 1]
        if listed:
            yield main.finding(
                "inet_protocols",
                "contradictory",
                f"IPv6 is off, but inet_interfaces has {listed[0]}",
                "Set inet_protocols = all, or remove the address.",
            )
    if main.value("inet_protocols") == "ipv6":
        yield main.finding(
            "inet_protocols",
            "dangerous",
            "most mail servers of the world are reached by IPv4 only",
            "Set inet_protocols = all.",
        )


RULES = (filters, tables, recipients, limits, leftovers)
