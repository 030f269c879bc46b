"""Rules about who may send: open relay, a refused world, restrictions that do nothing.

Sources: SMTPD_ACCESS_README, SMTPD_POLICY_README, src/smtpd/smtpd_check.c, RFC 5321.
"""

from __future__ import annotations

from collections.abc import Iterable

from components.audit.evaluate import AT_RECIPIENT, Walk, everybody, guarded, walk
from components.audit.model import Finding, MainCf
from components.postconf.restrictions import LISTS
from components.postconf.syntax import words

_RELAY = "smtpd_relay_restrictions"
_RECIPIENT = "smtpd_recipient_restrictions"


def _where(main: MainCf) -> str:
    """The list that guards: the one that the file sets."""
    return _RELAY if _RELAY in main or _RECIPIENT not in main else _RECIPIENT


def starts(main: MainCf) -> Iterable[Finding]:
    """Lists without a guard: smtpd(8) does not start."""
    lists = ("smtpd_relay_restrictions", "smtpd_recipient_restrictions", "compatibility_level")
    stops = any(main.stops(main.used[name]) for name in lists if name in main.used)
    if guarded(main) or stops or not main.has_level:
        return
    reason = (
        "neither smtpd_relay_restrictions nor smtpd_recipient_restrictions has"
        " reject_unauth_destination or another guard: smtpd(8) does not start, port 25 is dead"
    )
    if _RELAY not in main:
        reason += "; below compatibility_level 1 smtpd_relay_restrictions is empty unless it is set"
    where = _RECIPIENT if _RECIPIENT in main and _RELAY not in main else _RELAY
    yield main.finding(
        where,
        "dangerous",
        reason,
        "Set smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, "
        "reject_unauth_destination.",
        "critical",
    )


def relay(main: MainCf) -> Iterable[Finding]:
    """Mail from strangers to strangers that passes."""
    if guarded(main) and not everybody(main, "mynetworks"):
        walks = {name: walk(main, name, "foreign") for name in AT_RECIPIENT}
        yield from _open(main, walks)
    if main.is_on("allow_untrusted_routing"):
        yield main.finding(
            "allow_untrusted_routing",
            "dangerous",
            "user@elsewhere@here from strangers is forwarded: a relay, if the other host takes it",
            "Remove the line.",
            replacement="",
        )


def _open(main: MainCf, walks: dict[str, Walk]) -> Iterable[Finding]:
    closed = [name for name, one in walks.items() if one.answer not in ("ok", "dunno")]
    if any(one.deferred for one in walks.values()):
        return
    if not closed:
        yield main.finding(
            _where(main),
            "dangerous",
            "no restriction list refuses mail from strangers to strangers: an open relay",
            "End smtpd_relay_restrictions with reject_unauth_destination.",
            "critical",
        )
        return
    if any(walks[name].answer == "broken" or not walks[name].openings for name in closed):
        return
    for name in closed:
        asked = walks[name].openings
        policy = all(word.startswith("check_policy_service") for word in asked)
        who = "what the policy service says" if policy else "what a stranger claims about itself"
        yield main.finding(
            name,
            "dangerous",
            f"{', '.join(asked[:3])} can answer OK before the guard, by {who}: an open relay"
            " for whoever it permits, since no other list guards",
            "Set smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, "
            "reject_unauth_destination, or put reject_unauth_destination before them.",
            "high" if policy else "critical",
        )


def refused(main: MainCf) -> Iterable[Finding]:
    """Lists that refuse every client from outside."""
    if main.value("inet_interfaces").lower() in ("loopback-only", "localhost", "127.0.0.1"):
        return
    hosted = ("relay_domains", "virtual_alias_domains", "virtual_mailbox_domains")
    local = [
        word for word in words(main.value("mydestination")) if not word.startswith("localhost")
    ]
    receives = any(main.value(name) for name in hosted)
    # A null client or a host that sends through another one: nobody writes to it from outside.
    if not receives and (not local or main.value("relayhost")):
        return
    for name in LISTS:
        if name == "smtpd_etrn_restrictions" or name not in main:
            continue
        found = walk(main, name, "own")
        if found.answer not in ("refuse", "defer") and not found.deferred:
            continue
        if found.openings and name == "smtpd_client_restrictions":
            continue
        how = "refused" if found.answer == "refuse" else "deferred"
        yield main.finding(
            name,
            "dangerous",
            f"all mail from outside is {how} at {found.at or 'defer_if_permit'}: only clients "
            "that an earlier word permits can send to this host's own domains",
            "Remove it on a host that receives mail from the Internet; for submission set it with "
            "-o in master.cf.",
            "high",
        )


RULES = (starts, relay, refused)
