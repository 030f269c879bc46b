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
        asks = "domains" if "rhsbl" in step.name or "rhswl" in step.name else "addresses"
        yield _Use(name, domain, codes, 0, "allow" if one.permits else asks)
    for word in main.words("postscreen_dnsbl_sites"):
        match = _SITE.fullmatch(word)
        if match:
            weight = int(match[3] or 1)
            asks = "allow" if weight < 0 else "addresses"
            yield _Use("postscreen_dnsbl_sites", match[1], match[2] or "", weight, asks)


def _effect(main: MainCf, use: _Use) -> str:
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
            f"{use.site} is gone since {year}: it only delays mail, and such names have answered"
            " 'listed' for all the world",
            "Remove it.",
            "high",
        )
    one = dnslists.LISTS.get(use.site.lower().rstrip("."))
    if one is not None and one.kind != use.asks and "allow" not in (one.kind, use.asks):
        word = "reject_rhsbl_sender" if one.kind == "domains" else "reject_rbl_client"
        return (
            f"{use.site} lists {one.kind}, and is asked for {use.asks} here",
            f"Ask it with {word}.",
            "medium",
        )
    if one is not None and one.codes and use.codes and not dnslists.overlaps(one.codes, use.codes):
        return (
            f"{use.site} answers {one.codes}: ={use.codes} never matches, the list does nothing",
            f"Write {use.site}={one.codes}.",
            "medium",
        )
    if use.codes or use.asks == "allow":
        return None
    remedy = (
        f"Write {use.site}={one.codes}, and use a resolver of your own."
        if one is not None and one.codes
        else f"Write the answers that mean 'listed', from the list's own page, as {use.site}=CODES,"
        " and use a resolver of your own."
    )
    return (
        f"{use.site}: any answer counts, also the one by which a list refuses this resolver"
        f" (127.255.255.x and others): {_effect(main, use)}",
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
