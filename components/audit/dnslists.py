"""Rules about DNS lists: gone, taken by every answer, or by answers that the list never gives."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from components.audit.model import Finding, MainCf
from components.postconf import dnslists
from components.postconf.restrictions import RESTRICTIONS
from components.postconf.types import number

_SITE = re.compile(r"([^=*\s]+)(?:=([^*]*))?(?:\*(-?\d+))?")


@dataclass(frozen=True)
class _Use:
    """One place where a list is asked."""

    parameter: str
    site: str
    codes: str
    weight: int
    asks: str
    """addresses, domains or allow."""


def _uses(main: MainCf) -> Iterable[_Use]:
    for name, step in main.restrictions():
        one = RESTRICTIONS.get(step.name)
        if one is None or one.argument != "domain" or step.fault:
            continue
        domain, _, codes = step.argument.partition("=")
        if not dnslists.NAME.fullmatch(domain) or domain.lower() in RESTRICTIONS:
            continue  # a rule of its own reports it
        asks = "domains" if "rhsbl" in step.name or "rhswl" in step.name else "addresses"
        yield _Use(name, domain, codes, 0, "allow" if one.permits else asks)
    for word in main.words("postscreen_dnsbl_sites"):
        match = _SITE.fullmatch(word)
        if match:
            weight = int(match[3] or 1)
            asks = "allow" if weight < 0 else "addresses"
            yield _Use("postscreen_dnsbl_sites", match[1], match[2] or "", weight, asks)


def _effect(main: MainCf, use: _Use) -> str:
    if use.asks == "allow" and use.parameter != "postscreen_dnsbl_sites":
        return "then every client passes, and what follows in this list is not looked at"
    if use.asks == "allow":
        return f"then every client gets {use.weight} points, and no other list counts as it should"
    if use.parameter != "postscreen_dnsbl_sites":
        return "then all mail is refused"
    threshold = number(main.value("postscreen_dnsbl_threshold")) or 1
    if use.weight >= threshold:
        return "then all mail is refused, where postscreen_dnsbl_action is enforce or drop"
    return f"then every client gets {use.weight} of the {threshold} points that refuse it"


def _fault(main: MainCf, use: _Use) -> tuple[str, str, str] | None:
    """Reason, remedy and severity of one use."""
    year = dnslists.gone(use.site)
    if year is not None:
        return (
            f"{use.site} is gone{f' since {year}' if year else ''}: it only delays mail, and "
            "a name like this has later answered 'listed' for every client",
            "Remove it.",
            "high",
        )
    one = dnslists.LISTS.get(use.site.lower().rstrip("."))
    refusal = dnslists.refusal(use.site)
    refused = not use.codes or (
        dnslists.octets(use.codes) is not None and dnslists.overlaps(use.codes, refusal)
    )
    return _misasked(use, one) or (_never(use, one) if not refused else _refusal(main, use, one))


def _misasked(use: _Use, one: dnslists.DnsList | None) -> tuple[str, str, str] | None:
    """A list that is asked for something else than it lists."""
    if one is None or one.kind == use.asks:
        return None
    if "allow" in (one.kind, use.asks):
        lists, treated = ("good", "refused") if one.kind == "allow" else ("bad", "let past")
        return (
            f"{use.site} lists {lists} senders, and whom it lists is {treated} here",
            "Ask allow lists with permit_dnswl_client or a weight below 0, others without.",
            "high",
        )
    if use.site.lower() == "dbl.spamhaus.org" and not use.codes:
        return (
            f"{use.site} answers 127.0.1.255 when it is asked for an address: all mail is refused",
            "Ask it for domains: reject_rhsbl_sender dbl.spamhaus.org=127.0.1.[2..99].",
            "high",
        )
    word = "reject_rhsbl_sender" if one.kind == "domains" else "reject_rbl_client"
    return (
        f"{use.site} lists {one.kind}, but here it is asked for {use.asks}",
        f"Ask it with {word}.",
        "medium",
    )


def _never(use: _Use, one: dnslists.DnsList | None) -> tuple[str, str, str] | None:
    """Answers that count and that the list never gives."""
    if one is None or not one.codes or dnslists.overlaps(one.codes, use.codes):
        return None
    return (
        f"{use.site} answers {one.codes}: ={use.codes} never matches, the list does nothing",
        f"Write {use.site}={one.codes}.",
        "medium",
    )


def _refusal(main: MainCf, use: _Use, one: dnslists.DnsList | None) -> tuple[str, str, str]:
    """An answer that counts and that only says that the list does not answer."""
    known = one is not None or use.codes
    by = dnslists.refusal(use.site) if known else "127.255.255.x and others"
    remedy = (
        f"Write {use.site}={one.codes}, and use a resolver of your own."
        if one is not None and one.codes
        else f"Write the answers that mean 'listed', from the list's own page, as {use.site}=CODES,"
        " and use a resolver of your own."
    )
    counts = f"={use.codes} counts" if use.codes else "any answer counts"
    return (
        f"{use.site}: {counts}, also the one by which a list refuses this resolver ({by}):"
        f" {_effect(main, use)}",
        remedy,
        "high",
    )


def block_lists(main: MainCf) -> Iterable[Finding]:
    """Every list in the file, once for each parameter."""
    seen = set()
    for use in _uses(main):
        found = _fault(main, use)
        if found is None or (use.parameter, use.site, found[0]) in seen:
            continue
        seen.add((use.parameter, use.site, found[0]))
        reason, remedy, severity = found
        yield main.finding(
            use.parameter,
            "contradictory" if severity == "medium" else "dangerous",
            reason,
            remedy,
            "high" if severity == "high" else "medium",
        )


RULES = (block_lists,)
