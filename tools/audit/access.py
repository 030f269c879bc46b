"""Rules about who may send, and about refusing what should not be refused.

Sources: SMTPD_ACCESS_README, RFC 5321, the block lists' own return codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_network

from tools.audit.model import RESTRICTIONS, Finding, MainCf

_LOSES = {
    "reject_unknown_client_hostname": (
        "refuses every client whose name and address do not match both ways: many real senders",
        "Write warn_if_reject before it, or reject_unknown_reverse_client_hostname, or score it.",
    ),
    "reject_unknown_client": (
        "refuses every client whose name and address do not match both ways: many real senders",
        "Write warn_if_reject before it, or reject_unknown_reverse_client_hostname, or score it.",
    ),
    "reject_unknown_helo_hostname": (
        "refuses senders whose HELO name is not in DNS: many real ones behind NAT or in clouds",
        "Write warn_if_reject before it, or let the spam filter score it.",
    ),
    "reject_unknown_hostname": (
        "refuses senders whose HELO name is not in DNS: many real ones behind NAT or in clouds",
        "Write warn_if_reject before it, or let the spam filter score it.",
    ),
}
_GONE = {
    "check_relay_domains": "write permit_mynetworks, reject_unauth_destination",
    "reject_maps_rbl": "write reject_rbl_client",
    "permit_naked_ip_address": "write permit_mynetworks",
    "permit_mx_backup": "list the domains in relay_domains",
}
_GUARDS = {"reject_unauth_destination", "defer_unauth_destination", "reject", "defer"}


def networks(main: MainCf) -> Iterable[Finding]:
    """Trusted networks that are the whole world, or nearly."""
    for word in main.words("mynetworks"):
        try:
            network = ip_network(word.strip("[]").replace("[", "").replace("]", ""), strict=False)
        except ValueError:  # a table or an exclusion
            continue
        if network.prefixlen < 8:
            yield main.finding(
                "mynetworks",
                "dangerous",
                f"{word} trusts a large part of the world: an open relay",
                "List this host and the hosts that send through it.",
            )
    if main.value("mynetworks_style") == "class":
        yield main.finding(
            "mynetworks_style",
            "dangerous",
            "class trusts the whole network class of each address: an open relay",
            "Set mynetworks, or mynetworks_style = host.",
        )


def relay(main: MainCf) -> Iterable[Finding]:
    """Lists that end without saying no to strangers."""
    name = "smtpd_relay_restrictions"
    words = {
        word for listed in (name, "smtpd_recipient_restrictions") for word in main.words(listed)
    }
    if name in main and not words & _GUARDS:
        yield main.finding(
            name,
            "dangerous",
            "neither this list nor smtpd_recipient_restrictions refuses strangers: an open relay",
            "End the list with reject_unauth_destination.",
        )
    if main.is_on("allow_untrusted_routing"):
        yield main.finding(
            "allow_untrusted_routing",
            "dangerous",
            "user@elsewhere@here from strangers is forwarded",
            "Remove the line.",
        )


def losses(main: MainCf) -> Iterable[Finding]:
    """Restrictions that refuse legitimate mail, and some that are gone."""
    for name, word, warned in main.restrictions():
        if word in _LOSES and not warned:
            reason, remedy = _LOSES[word]
            yield main.finding(name, "dangerous", f"{word} {reason}", remedy)
        if word in _GONE:
            yield main.finding(
                name,
                "obsolete",
                f"{word} is gone or going (Postfix 3.9)",
                f"{_GONE[word][0].upper()}{_GONE[word][1:]}.",
            )
    if "reject_unauth_pipelining" in main.words("smtpd_data_restrictions"):
        yield main.finding(
            "smtpd_data_restrictions",
            "obsolete",
            "reject_unauth_pipelining at DATA comes too late for what it is to stop",
            "Set smtpd_forbid_unauth_pipelining = yes.",
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
                )


def block_lists(main: MainCf) -> Iterable[Finding]:
    """Block lists whose refusal to answer would be taken for a listing."""
    asked = [(name, main.words(name)) for name in (*RESTRICTIONS, "postscreen_dnsbl_sites")]
    for name, words in asked:
        for before, word in zip(["", *words], words, strict=False):
            site = word if name.startswith("postscreen") else ""
            if before in ("reject_rbl_client", "reject_rhsbl_client", "reject_rhsbl_sender"):
                site = word
            if site and "=" not in site and not re.search(r"\*-\d", site):
                yield main.finding(
                    name,
                    "dangerous",
                    f"{site}: any answer counts, also 127.255.255.x, which means that the list "
                    "refuses this resolver: then all mail is refused",
                    f"Write {site.split('*')[0]}=127.0.0.[2..11], and use a resolver of your own.",
                )


def helo(main: MainCf) -> Iterable[Finding]:
    """HELO restrictions that a client escapes by saying no HELO."""
    if main.words("smtpd_helo_restrictions") and not main.is_on("smtpd_helo_required"):
        yield main.finding(
            "smtpd_helo_restrictions",
            "contradictory",
            "a client that says no HELO passes them all",
            "Set smtpd_helo_required = yes.",
        )


def smuggling(main: MainCf) -> Iterable[Finding]:
    """Ends of messages that are none (CVE-2023-51764)."""
    name = "smtpd_forbid_bare_newline"
    off = name in main and main.value(name) == "no"
    if off or (name not in main and main.older_than("3.9")):
        reason = "SMTP smuggling: LF . LF ends a message, and a second one is smuggled in"
        if not off:
            reason += "; before Postfix 3.9 it is off unless it is set"
        yield main.finding(name, "dangerous", reason, "Set it to normalize.")
    name = "smtpd_forbid_unauth_pipelining"
    if main.value(name) == "no":
        yield main.finding(
            name, "dangerous", "lets clients talk out of turn, as smugglers do", "Set it to yes."
        )


RULES = (networks, relay, losses, block_lists, helo, smuggling)
