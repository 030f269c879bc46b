"""Rules about single restrictions: mail that they lose, places where they can do nothing.

Sources: SMTPD_ACCESS_README, postconf(5), RFC 5321.
"""

from __future__ import annotations

from collections.abc import Iterable

from components.audit.model import Finding, MainCf
from components.postconf.lists import Step
from components.postconf.restrictions import LISTS, REMOVED, RESTRICTIONS

_ANY_NAME = (
    "refuses every client whose host name and address do not confirm each other: many real senders"
)
_ANY_HELO = "refuses senders whose HELO name is not in DNS: many real ones behind NAT or in clouds"
_LOSES = {
    "reject_unknown_client_hostname": (
        _ANY_NAME,
        (
            "Write warn_if_reject before it, use reject_unknown_reverse_client_hostname instead, "
            "or let the spam filter score it."
        ),
    ),
    "reject_unknown_helo_hostname": (
        _ANY_HELO,
        "Write warn_if_reject before it, or let the spam filter score it.",
    ),
}
_LOSES["reject_unknown_client"] = _LOSES["reject_unknown_client_hostname"]
_LOSES["reject_unknown_hostname"] = _LOSES["reject_unknown_helo_hostname"]
_DEFERS_ALL_SINCE_3_9 = ("check_relay_domains", "reject_maps_rbl", "permit_naked_ip_address")


# What a client has only after STARTTLS or AUTH.
_AFTER_LOGIN = (
    *("permit_sasl_authenticated", "check_sasl_access", "check_ccert_access"),
    *("permit_tls_clientcerts", "permit_tls_all_clientcerts"),
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
                    f"does nothing now; with the corrected name, {word} {_LOSES[word][0]}",
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
    unknown = name in ("smtpd_client_restrictions", "smtpd_helo_restrictions")
    if main.value("smtpd_delay_reject").lower() == "no" and unknown and step.name in _AFTER_LOGIN:
        return f"{step.name}: with smtpd_delay_reject = no nobody has logged in yet here"
    late = name in ("smtpd_data_restrictions", "smtpd_end_of_data_restrictions")
    if late and one.looks_at == "recipient":
        return f"{step.name}: in this list it does nothing when mail has several recipients"
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
            "a client that sends no HELO passes them all",
            "Set smtpd_helo_required = yes.",
        )


def smuggling(main: MainCf) -> Iterable[Finding]:
    """Ends of messages that are none (CVE-2023-51764)."""
    name = "smtpd_forbid_bare_newline"
    off = name in main and main.value(name).lower() == "no"
    if off or (name not in main and main.older_than("3.9")):
        reason = (
            "SMTP smuggling: LF . LF ends a message, so that a second message can be smuggled in"
        )
        if not off:
            reason += "; before Postfix 3.9 it is off unless it is set"
        yield main.finding(name, "dangerous", reason, "Set it to normalize.")
    name = "smtpd_forbid_unauth_pipelining"
    if name in main and main.value(name).lower() == "no":
        yield main.finding(
            name,
            "dangerous",
            "lets clients send commands before the answer, as smugglers do",
            "Set it to yes.",
        )


RULES = (losses, idle, helo, smuggling)
