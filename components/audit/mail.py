"""Rules about the spam filter, tables, recipients and the queue.

Sources: MILTER_README, DATABASE_README, NON_BERKELEYDB_README, BACKSCATTER_README, RFC 5321.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from components.audit.model import Finding, MainCf
from components.postconf.expand import ExpansionError, level
from components.postconf.syntax import shown, words
from components.postconf.types import number, seconds

_ACTIONS = ("tempfail", "shutdown", "quarantine", "accept", "reject")


def filters(main: MainCf) -> Iterable[Finding]:
    """What happens to mail while the spam filter is down."""
    name = "milter_default_action"
    action = main.own(name).lower()
    names = ("smtpd_milters", "non_smtpd_milters", "smtpd_milter_maps")
    used = [word for each in names for word in main.words(each)]
    if not used and not main.overrides and action in ("accept", "reject"):
        return  # no filter: nothing happens
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
    elif action == "tempfail" and main.at_least("3.8"):
        yield main.finding(
            name,
            "obsolete",
            "shutdown is the default of the releases of 2026 (3.7.20, 3.8.15, 3.9.9, 3.10.8, 3.11)",
            "From these releases on, remove the line; an older one needs tempfail.",
        )
    elif action and action not in _ACTIONS:
        yield main.finding(
            name,
            "dangerous",
            (
                f"{shown(action[:60])!r} is not an action: while the filter is down mail is "
                "deferred (451)"
            ),
            f"Write {_ACTIONS[0]}.",
            "medium",
        )
    for word in used:
        if re.search(r"default_action\s*=\s*(accept|reject)\b", word):
            yield main.finding(
                "smtpd_milters" if main.own("smtpd_milters") else "non_smtpd_milters",
                "dangerous",
                f"{shown(word[:80])}: while this filter is down every message passes unfiltered, or"
                " is refused for good",
                "Write default_action=tempfail.",
            )
    if (number(main.value("milter_protocol", "6")) or 6) < 6:
        yield main.finding(
            "milter_protocol",
            "obsolete",
            "the filter then gets less information than it can use",
            "Remove the line.",
        )


def tables(main: MainCf) -> Iterable[Finding]:
    """Berkeley DB files, which distributions drop: one finding a file, with a count."""
    used = [
        entry
        for entry in main.used.values()
        if any(word.lstrip("!").startswith(("hash:", "btree:")) for word in _inner(entry.value))
    ]
    if used:
        more = f" (and {len(used) - 1} more lines)" if len(used) > 1 else ""
        yield main.finding(
            used[0].name,
            "obsolete",
            f"hash: and btree: are Berkeley DB, which distributions drop{more}"
            " (NON_BERKELEYDB_README)",
            "Write lmdb: and build the tables again with postmap.",
        )


def _inner(value: str) -> list[str]:
    """Words of a value, proxy: taken off, the content of groups included."""
    return [
        word.removeprefix("proxy:") for word in words(value.replace("{", " ").replace("}", " "))
    ]


def limits(main: MainCf) -> Iterable[Finding]:
    """Sizes that exclude each other, and a queue that gives up too soon."""
    message = number(main.value("message_size_limit"), 2**63)
    for name, program in (("mailbox_size_limit", "local"), ("virtual_mailbox_limit", "virtual")):
        mailbox = number(main.value(name), 2**63)
        asked = "message_size_limit" in main or name in main
        if message is None or not mailbox or not asked or 0 < message <= mailbox:
            continue
        if program == "virtual" and main.own("virtual_transport") not in ("", "virtual"):
            continue
        if program == "virtual" and not main.own("virtual_mailbox_domains"):
            continue
        where = name if name in main else "message_size_limit"
        yield main.finding(
            where,
            "contradictory",
            f"message_size_limit ({message if message > 0 else 'none'}) is larger than {name}"
            f" ({mailbox}): {program}(8)"
            " refuses to run",
            f"Set {name} = 0, or to more than the message size.",
            "high",
        )
    lifetime = seconds(main.value("maximal_queue_lifetime"), "d")
    if "maximal_queue_lifetime" in main and lifetime is not None and lifetime < 86400:
        yield main.finding(
            "maximal_queue_lifetime",
            "dangerous",
            "mail bounces when its destination is down for less than a day (RFC 5321: 4 to 5 days)",
            "Write 5d.",
            replacement="5d",
        )


def stopped(main: MainCf) -> Iterable[Finding]:
    """Mail that waits for ever, by switches that an operator once needed."""
    disabled = words(main.own("master_service_disable"))
    if any(one in ("inet", "*") or one in ("smtp.inet", "smtp/inet") for one in disabled):
        yield main.finding(
            "master_service_disable",
            "dangerous",
            "port 25 is switched off: no mail arrives",
            "Remove the line.",
            "critical",
        )
    for what in ("connection", "message", "recipient"):
        name = f"smtpd_client_{what}_rate_limit"
        limit = number(main.own(name)) or 0
        if 0 < limit < 5:
            yield main.finding(
                name,
                "dangerous",
                (
                    f"a client is deferred after {limit} in anvil_rate_time_unit, and large "
                    "senders reach this limit too"
                ),
                "Write a number that only a flood reaches, for example 100.",
            )
    waiting = words(main.own("defer_transports"))
    if waiting:
        yield main.finding(
            "defer_transports",
            "dangerous",
            (
                f"mail for the transports {', '.join(waiting[:4])} waits in the queue until "
                "somebody flushes it"
            ),
            "Remove the line.",
        )
    for name in ("smtp_bind_address", "smtp_bind_address6"):
        loopback = main.own(name).startswith("127.") or main.own(name) in ("::1", "[::1]")
        if loopback and not main.value("relayhost"):
            yield main.finding(
                name,
                "dangerous",
                "from a loopback address no other host can be reached: no mail goes out",
                "Remove the line, or write an address of this host.",
                "critical",
            )
    if "ignore_mx_lookup_error" in main and main.is_on("ignore_mx_lookup_error"):
        yield main.finding(
            "ignore_mx_lookup_error",
            "dangerous",
            "while DNS does not answer, mail goes to the A record of the domain: lost or bounced",
            "Remove the line.",
            replacement="",
        )


def leftovers(main: MainCf) -> Iterable[Finding]:
    """Debugging switches, old levels, protocols that exclude the addresses."""
    if "soft_bounce" in main and main.is_on("soft_bounce"):
        yield main.finding(
            "soft_bounce",
            "dangerous",
            "a debugging switch: unknown recipients are deferred, not refused, and the queue fills",
            "Remove the line.",
        )
    name = "compatibility_level"
    try:
        low = level(main.value(name)) < (3, 6, 0)
    except ExpansionError:
        low = False
        yield main.finding(
            name,
            "dangerous",
            "is not a level: Postfix does not start",
            "Write a version, for example 3.6.",
            "critical",
        )
    if low:
        yield main.finding(
            name,
            "obsolete",
            f"level {main.value(name)} keeps defaults from before Postfix 3.6 (MD5 "
            "fingerprints, relay restrictions after those of recipients)",
            "Set it to 3.6 or the version at hand, after reading COMPATIBILITY_README.",
        )
    if main.own("inet_protocols").lower() == "ipv4":
        listed = [word for word in main.words("inet_interfaces") if word.count(":") > 1]
        if listed:
            yield main.finding(
                "inet_protocols",
                "contradictory",
                f"IPv6 is off, but inet_interfaces has {listed[0]}",
                "Set inet_protocols = all, or remove the address.",
            )
    if main.own("inet_protocols").lower() == "ipv6":
        yield main.finding(
            "inet_protocols",
            "dangerous",
            "most mail servers can be reached over IPv4 only",
            "Set inet_protocols = all.",
        )


def banner(main: MainCf) -> Iterable[Finding]:
    """A greeting that does not begin with the name of the host (RFC 5321 section 4.2)."""
    value = main.own("smtpd_banner")
    host = main.value("myhostname")
    if value and not value.lower().startswith(host.lower()):
        yield main.finding(
            "smtpd_banner",
            "contradictory",
            "does not begin with $myhostname, as RFC 5321 demands: some clients give up",
            "Begin it with $myhostname.",
        )


RULES = (filters, tables, limits, stopped, leftovers, banner)
