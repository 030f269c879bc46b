"""DMARC (RFC 7489): what is wrong with a record."""

from __future__ import annotations

from components.policies import tags

VERSION = "DMARC1"
POLICIES = ("none", "quarantine", "reject")


def faults(text: str) -> list[str]:
    """What makes receivers ignore the record or its reports; empty when there is none."""
    found, wrong = tags.faults(text, VERSION)
    if not found:
        return wrong
    if "p" not in found:
        wrong.append("p= is missing")
    for name in ("p", "sp", "np"):
        if name in found and found[name].lower() not in POLICIES:
            wrong.append(f"{name}={found[name]} is none of {', '.join(POLICIES)}")
    for name in ("adkim", "aspf"):
        if found.get(name, "r") not in ("r", "s"):
            wrong.append(f"{name}={found[name]} is neither r nor s")
    if "pct" in found and not (found["pct"].isdigit() and int(found["pct"]) <= 100):
        wrong.append(f"pct={found['pct']} is not a number from 0 to 100")
    for name in ("rua", "ruf"):
        if name in found:
            wrong += tags.report_addresses(found[name], ("mailto",))[1]
    return wrong


def report_domains(text: str) -> list[str]:
    """The domains that get aggregate or failure reports, sorted."""
    found, _ = tags.faults(text, VERSION)
    uris = [uri for name in ("rua", "ruf") for uri in found.get(name, "").split(",") if uri.strip()]
    return sorted({uri.split("!")[0].rpartition("@")[2].strip().lower() for uri in uris})


def external(domain: str, report_domain: str) -> bool:
    """Whether a report domain must say that it takes the domain's reports (RFC 7489 section 7.1).

    Without a list of public suffixes: other than the domain, not above and not below it.
    """
    return not (
        domain == report_domain
        or domain.endswith("." + report_domain)
        or report_domain.endswith("." + domain)
    )
