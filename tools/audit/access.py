"""Rules about who may send: open relay, a refused world, restrictions that do nothing.

Sources: SMTPD_ACCESS_README, SMTPD_POLICY_README, src/smtpd/smtpd_check.c, RFC 5321.
"""

from __future__ import annotations

from collections.abc import Iterable

from components.postconf.lists import Step
from components.postconf.restrictions import LISTS, REMOVED, RESTRICTIONS
from components.postconf.syntax import words
from tools.audit.evaluate import AT_RECIPIENT, Walk, everybody, guarded, walk
from tools.audit.model import Finding, MainCf

_RELAY = "smtpd_relay_restrictions"
_RECIPIENT = "smtpd_recipient_restrictions"
_ANY_NAME = "refuses every client whose name and address do not match both ways: many real senders"
_ANY_HELO = "refuses senders whose HELO name is not in DNS: many real ones behind NAT or in clouds"
_LOSES = {
    "reject_unknown_client_hostname": (
        _ANY_NAME,
        "Write warn_if_reject before it, or reject_unknown_reverse_client_hostname, or score it.",
    ),
    "reject_unknown_helo_hostname": (
        _ANY_HELO,
        "Write warn_if_reject before it, or let the spam filter score it.",
    ),
}
_LOSES["reject_unknown_client"] = _LOSES["reject_unknown_client_hostname"]
_LOSES["reject_unknown_hostname"] = _LOSES["reject_unknown_helo_hostname"]
_DEFERS_ALL_SINCE_3_9 = ("check_relay_domains", "reject_maps_rbl", "permit_naked_ip_address")


def _where(main: MainCf) -> str:
    """The list that guards: the one that the file sets."""
    return _RELAY if _RELAY in main or _RECIPIENT not in main else _RECIPIENT


def starts(main: MainCf) -> Iterable[Finding]:
    """Lists without a guard: smtpd(8) does not start."""
    if guarded(main):
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
            "no list refuses a stranger's mail to strangers: an open relay",
            "End smtpd_relay_restrictions with reject_unauth_destination.",
            "critical",
        )
        return
    if any(walks[name].answer == "broken" or not walks[name].openings for name in closed):
        return
    for name in closed:
        asked = walks[name].openings
        policy = all(word.startswith("check_policy_service") for word in asked)
        who = "what the policy service says" if policy else "what a stranger says of itself"
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
            f"all mail from outside is {how} at {found.at or 'defer_if_permit'}: only clients that "
            "a word before it permits can send to the own domains",
            "Remove it on a host that receives mail from the Internet; for submission set it with "
            "-o in master.cf.",
            "high",
        )


def losses(main: MainCf) -> Iterable[Finding]:
    """Restrictions that refuse legitimate mail, and some that are gone."""
    for name, step in main.restrictions():
        word = step.name
        if word in _LOSES and not step.warned:
            reason, remedy = _LOSES[word]
            yield main.finding(name, "dangerous", f"{word} {reason}", remedy)
        if word in REMOVED:
            since, instead = REMOVED[word]
            dead = word in _DEFERS_ALL_SINCE_3_9
            effect = "every mail that gets to it is deferred (451)" if dead else "it will be gone"
            yield main.finding(
                name,
                "obsolete",
                f"{word}: since Postfix {since} {effect}",
                f"{instead[0].upper()}{instead[1:]}.",
                "critical" if dead and main.version and main.at_least("3.9") else None,
            )
    if main.version and main.at_least("3.9") and main.is_on("smtpd_forbid_unauth_pipelining"):
        for name, step in main.restrictions():
            if step.name == "reject_unauth_pipelining" and name == "smtpd_data_restrictions":
                yield main.finding(
                    name,
                    "obsolete",
                    "reject_unauth_pipelining is superfluous with smtpd_forbid_unauth_pipelining"
                    " = yes, the default since Postfix 3.9",
                    "Remove the word, if no older Postfix reads this file.",
                )
    # Those misspelled would do it too, once somebody mends their names.
    for name in ("smtp_client_restrictions", "smtp_helo_restrictions"):
        for word in main.words(name):
            if word in _LOSES:
                yield main.finding(
                    name,
                    "dangerous",
                    f"does nothing now; with the name mended, {word} {_LOSES[word][0]}",
                    _LOSES[word][1],
                    "medium",
                )


def _idle(main: MainCf, name: str, step: Step) -> str | None:
    """Why a restriction cannot work in this list."""
    one = RESTRICTIONS.get(step.name)
    if one is None or not one.looks_at:
        return None
    early = {
        "smtpd_client_restrictions": ("helo", "sender", "recipient"),
        "smtpd_helo_restrictions": ("sender", "recipient"),
        "smtpd_sender_restrictions": ("recipient",),
    }
    if main.value("smtpd_delay_reject").lower() == "no" and one.looks_at in early.get(name, ()):
        return f"{step.name}: with smtpd_delay_reject = no the {one.looks_at} is not known yet here"
    late = name in ("smtpd_data_restrictions", "smtpd_end_of_data_restrictions")
    if late and one.looks_at == "recipient":
        return f"{step.name}: here it looks at nothing when mail has several recipients"
    if one.looks_at == "etrn" and name != "smtpd_etrn_restrictions":
        return f"{step.name} looks at the name of ETRN, which this list never sees"
    return None


def idle(main: MainCf) -> Iterable[Finding]:
    """Restrictions that are never reached, or that have nothing to look at where they are."""
    for name in LISTS:
        if name not in main:
            continue
        ended = ""
        for step in main.steps(name):
            if ended:
                yield main.finding(
                    name,
                    "contradictory",
                    f"{step.name or step.argument} after {ended} is never reached",
                    f"Put it before {ended}, or remove it.",
                )
                break
            why = _idle(main, name, step)
            if why is not None:
                yield main.finding(
                    name, "contradictory", why, "Move it to smtpd_recipient_restrictions."
                )
            if step.name in ("permit", "reject", "defer") and not step.warned:
                ended = step.name


def helo(main: MainCf) -> Iterable[Finding]:
    """HELO restrictions that a client escapes by saying no HELO."""
    name = "smtpd_helo_restrictions"
    rejects = any(
        step.name not in RESTRICTIONS or RESTRICTIONS[step.name].rejects
        for step in main.steps(name)
    )
    if name in main and rejects and not main.is_on("smtpd_helo_required"):
        yield main.finding(
            name,
            "contradictory",
            "a client that says no HELO passes them all",
            "Set smtpd_helo_required = yes.",
        )


def smuggling(main: MainCf) -> Iterable[Finding]:
    """Ends of messages that are none (CVE-2023-51764)."""
    name = "smtpd_forbid_bare_newline"
    off = name in main and main.value(name).lower() == "no"
    if off or (name not in main and main.older_than("3.9")):
        reason = "SMTP smuggling: LF . LF ends a message, and a second one is smuggled in"
        if not off:
            reason += "; before Postfix 3.9 it is off unless it is set"
        yield main.finding(name, "dangerous", reason, "Set it to normalize.")
    name = "smtpd_forbid_unauth_pipelining"
    if name in main and main.value(name).lower() == "no":
        yield main.finding(
            name, "dangerous", "lets clients talk out of turn, as smugglers do", "Set it to yes."
        )


RULES = (starts, relay, refused, losses, idle, helo, smuggling)
