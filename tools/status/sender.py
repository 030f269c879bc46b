"""SPF, DMARC and DKIM of a domain."""

from __future__ import annotations

from collections.abc import Iterator

from components.policies import dkim, dmarc, spf, tags
from tools.status.check import Check, Domain
from tools.status.world import World


def _spf_missing(world: World, domain: Domain) -> Iterator[str]:
    if not world.texts(domain.name, "v=spf1"):
        yield "there is no record v=spf1"


def _spf_several(world: World, domain: Domain) -> Iterator[str]:
    count = len(world.texts(domain.name, "v=spf1"))
    if count > 1:
        yield f"there are {count} records v=spf1"


def _spf_syntax(world: World, domain: Domain) -> Iterator[str]:
    for text in world.texts(domain.name, "v=spf1"):
        for fault in spf.faults(text):
            if not fault.startswith("+all"):
                yield fault


def _spf_open(world: World, domain: Domain) -> Iterator[str]:
    for text in world.texts(domain.name, "v=spf1"):
        qualifiers = {term.qualifier for term in _terms(text) if term.name == "all"}
        for sign in sorted(qualifiers & {"+", "?"}):
            yield f"it ends with {sign}all"


def _terms(text: str) -> list[spf.Term]:
    try:
        return spf.terms(text)
    except ValueError:
        return []


def _count(world: World, text: str, above: tuple[str, ...]) -> tuple[int, list[str]]:
    """Terms that ask DNS in a record and all that it includes, and includes that lead nowhere."""
    total, broken = 0, []
    for term in _terms(text):
        total += term.asks
        if term.name not in ("include", "redirect") or "%" in term.value:
            continue
        if term.value in above:
            broken.append(f"{term.value} includes itself")
            continue
        found = world.texts(term.value, "v=spf1")
        if len(found) != 1:
            broken.append(f"{term.name} {term.value} has {len(found)} records v=spf1")
            continue
        below, more = _count(world, found[0], (*above, term.value))
        total, broken = total + below, broken + more
    return total, broken


def _spf_lookups(world: World, domain: Domain) -> Iterator[str]:
    for text in world.texts(domain.name, "v=spf1"):
        total, _ = _count(world, text, (domain.name,))
        if total > spf.LOOKUP_LIMIT:
            yield f"it takes {total} look-ups"


def _spf_include(world: World, domain: Domain) -> Iterator[str]:
    for text in world.texts(domain.name, "v=spf1"):
        yield from _count(world, text, (domain.name,))[1]


def _dmarc(world: World, domain: str) -> list[str]:
    """The DMARC records of the domain, else of the closest name above that has one."""
    labels = domain.split(".")
    for start in range(len(labels) - 1):
        found = world.texts(f"_dmarc.{'.'.join(labels[start:])}", "v=DMARC1")
        if found:
            return found
    return []


def _dmarc_missing(world: World, domain: Domain) -> Iterator[str]:
    if not _dmarc(world, domain.name):
        yield f"there is no record at _dmarc.{domain.name}"


def _dmarc_several(world: World, domain: Domain) -> Iterator[str]:
    count = len(_dmarc(world, domain.name))
    if count > 1:
        yield f"there are {count} records"


def _dmarc_syntax(world: World, domain: Domain) -> Iterator[str]:
    for text in _dmarc(world, domain.name):
        yield from dmarc.faults(text)


def _dmarc_policy(world: World, domain: Domain) -> Iterator[str]:
    texts = _dmarc(world, domain.name)
    # Of several none counts, which is told of their number.
    for text in texts if len(texts) == 1 else ():
        found, _ = tags.faults(text, dmarc.VERSION)
        if found.get("p", "none").lower() == "none" or found.get("sp", "").lower() == "none":
            yield "its DMARC policy is none"
        elif found.get("t", "n").lower() == "y" or found.get("pct", "100") != "100":
            yield "its DMARC policy is applied in part or for a test (pct=, t=y)"


def _dmarc_external(world: World, domain: Domain) -> Iterator[str]:
    for text in _dmarc(world, domain.name)[:1]:
        for other in dmarc.report_domains(text):
            leave = f"{domain.name}._report._dmarc.{other}"
            if dmarc.external(domain.name, other) and not world.texts(leave, "v=DMARC1"):
                yield (
                    f"{other} does not allow reports for this domain: there is no TXT record at "
                    f"{leave}"
                )


def _domainkey(world: World, domain: Domain) -> Iterator[str]:
    if world.no_mail(domain.name) or world.selectors:
        return
    if world.names.ask(f"_domainkey.{domain.name}", "TXT").outcome == "missing":
        yield f"no name exists below _domainkey.{domain.name}"


def _selectors(world: World, domain: Domain) -> Iterator[str]:
    for selector in world.selectors:
        name = f"{selector}._domainkey.{domain.name}"
        values = world.names.ask(name, "TXT").values
        if not values:
            yield f"there is no record at {name}"
        for value in values:
            yield from (f"{selector}: {fault}" for fault in dkim.faults(value))


_WHY_SPF = "Everybody can send in the domain's name; many receivers refuse or mark such mail."
DOMAIN = (
    Check(
        "spf-missing",
        "fault",
        _WHY_SPF,
        "Publish v=spf1 mx -all, or a record that lists all your senders.",
        _spf_missing,
    ),
    Check(
        "spf-several",
        "fault",
        "Receivers get permerror and ignore SPF (RFC 7208 section 4.5).",
        "Merge them into one record.",
        _spf_several,
    ),
    Check(
        "spf-syntax",
        "fault",
        "Receivers get permerror and ignore SPF.",
        "Correct the record.",
        _spf_syntax,
    ),
    Check("spf-open", "fault", _WHY_SPF, "End the record with -all or ~all.", _spf_open),
    Check(
        "spf-lookups",
        "fault",
        (
            "More than ten look-ups are a permerror (RFC 7208 section 4.6.4), and receivers "
            "ignore SPF."
        ),
        (
            "Replace includes by ip4: and ip6:, and remove includes of services that no longer "
            "send for you."
        ),
        _spf_lookups,
    ),
    Check(
        "spf-include",
        "fault",
        "Receivers get permerror (RFC 7208 section 5.2), and ignore SPF.",
        "Remove the include, or ask the domain's owner to repair the record.",
        _spf_include,
    ),
    Check(
        "dmarc-missing",
        "fault",
        "Forged mail of the domain is delivered, and large receivers refuse bulk mail without it.",
        "Publish v=DMARC1; p=none; rua=mailto:... first, read the reports, then p=reject.",
        _dmarc_missing,
    ),
    Check(
        "dmarc-several",
        "fault",
        "Receivers behave as if there were no DMARC (RFC 9989 section 4.7).",
        "Keep one.",
        _dmarc_several,
    ),
    Check(
        "dmarc-syntax",
        "fault",
        "Receivers ignore the record, or send no reports.",
        "Correct the record.",
        _dmarc_syntax,
    ),
    Check(
        "dmarc-policy",
        "warning",
        "Forged mail is delivered.",
        "Once the reports show no failing mail of your own, publish p=quarantine, then p=reject.",
        _dmarc_policy,
    ),
    Check(
        "dmarc-external",
        "notice",
        "Receivers send no reports to that address (RFC 9990 section 4).",
        (
            "Ask that domain's owner to publish v=DMARC1 at this name, or use an address in your "
            "domain."
        ),
        _dmarc_external,
    ),
    Check(
        "dkim-missing",
        "warning",
        "DMARC then depends on SPF alone, and forwarding breaks SPF.",
        "Sign outgoing mail and publish the key; with --selector the key is checked too.",
        _domainkey,
    ),
    Check(
        "dkim-key",
        "fault",
        "Signatures made with it do not verify.",
        "Publish the key that the signer prints.",
        _selectors,
    ),
)
