"""Rules about where mail goes and what a refusal says: lost mail, lost refusals, wrong next hops.

Sources: postconf(5), transport(5), FILTER_README, BACKSCATTER_README.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from components.audit.model import Finding, MainCf
from components.postconf.parameters import parameter
from components.postconf.syntax import shown
from components.postconf.types import seconds

_TRANSPORTS = ("relay", "virtual", "local", "default", "mailbox", "fallback")
_NEXT_HOPS = ("relayhost", "smtp_fallback_relay", "lmtp_fallback_relay")
_OTHER_UNIT = re.compile(r"\s*(\d+)(ms|msecs?|millis\w*|mo|mon|months?)")


def lost(main: MainCf) -> Iterable[Finding]:
    """Transports that throw accepted mail away or bounce it."""
    for one in _TRANSPORTS:
        name = f"{one}_transport"
        transport = main.own(name).partition(":")[0].strip()
        if transport == "discard":
            yield main.finding(
                name,
                "dangerous",
                "accepted mail is thrown away, and nobody is told",
                "Name the transport that delivers it, or refuse the recipients at RCPT.",
                "critical",
            )
        elif one in ("relay", "virtual") and transport in ("error", "retry", "hold"):
            yield main.finding(
                name,
                "dangerous",
                f"mail for these domains is accepted, and then bounced or kept by {transport}",
                "Name the transport that delivers it, or take the domains out.",
                "critical" if transport == "error" else "high",
            )


def next_hops(main: MainCf) -> Iterable[Finding]:
    """IPv6 addresses of next hops without brackets."""
    for name in _NEXT_HOPS:
        for word in main.words(name):
            if word.count(":") > 1 and re.fullmatch(r"[0-9A-Fa-f:.]+", word):
                yield main.finding(
                    name,
                    "dangerous",
                    f"{word} is read as a name and a port: mail for it waits",
                    f"Write [{word}].",
                )


def refusals(main: MainCf) -> Iterable[Finding]:
    """Codes of a refusal that say something else to the client."""
    for name in main.used:
        if not name.endswith(("_reject_code", "defer_code")) and name != "reject_code":
            continue
        value = main.own(name)
        tested = name.startswith("unverified_") and value == "250"
        known = parameter(name, main.asked[0]) is not None and value.isdigit()
        if known and not tested and not re.fullmatch(r"[45]\d\d", value):
            yield main.finding(
                name,
                "dangerous",
                f"{value} does not refuse: the client takes it for another answer, and "
                "refused mail is lost without a bounce",
                "Remove the line: the default refuses.",
                "high",
                "",
            )


def overridden(main: MainCf) -> Iterable[Finding]:
    """Checks of recipients and aliases that are switched off."""
    name = "receive_override_options"
    words = main.words(name)
    if "no_unknown_recipient_checks" in words:
        yield main.finding(
            name,
            "dangerous",
            "no_unknown_recipient_checks: unknown recipients are accepted and bounced: backscatter",
            "Set it only for the services in master.cf to which a filter gives mail back.",
        )
    filtered = main.value("content_filter") or main.value("smtpd_proxy_filter")
    aliases = main.own("virtual_alias_maps") or main.own("canonical_maps")
    if "no_address_mappings" in words and aliases and not filtered:
        yield main.finding(
            name,
            "dangerous",
            "no_address_mappings: no alias is looked up; mail for aliases bounces",
            "Remove the word; it belongs to the service in front of a content filter.",
        )


def units(main: MainCf) -> Iterable[Finding]:
    """Times whose unit is another one than it looks like: 500ms are 500 minutes."""
    for entry in main.used.values():
        one = parameter(entry.name, main.asked[0])
        match = re.fullmatch(
            r"\s*(\d+)(ms|msecs?|millis\w*|mo|mon|months?)", main.value(entry.name)
        )
        if one is not None and one.kind == "time" and match is not None:
            yield main.finding(
                entry.name,
                "dangerous",
                f"{shown(match[0])} is {match[1]} minutes: only the first letter of a unit is read",
                "Write seconds, for example 1s, or days, for example 30d.",
            )


def slow(main: MainCf) -> Iterable[Finding]:
    """Delays between deliveries with which mail waits for hours."""
    for name in main.used:
        delay = seconds(main.value(name)) if name.endswith("_rate_delay") else None
        if delay is not None and delay >= 3600 and parameter(name, main.asked[0]):
            yield main.finding(
                name,
                "dangerous",
                (
                    "after each delivery to a destination, the next one waits for "
                    f"{shown(main.value(name))}"
                ),
                "Write seconds, for example 1s.",
            )


RULES = (lost, next_hops, refusals, overridden, units, slow)
