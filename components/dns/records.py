"""The one table of DNS records of an environment.

Names are full, in lower case, without the final dot, as the Cloudflare API returns them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from components.dns import data as dns_data
from components.dns.record import Facts, Promise, Record
from components.policies import dmarc
from components.settings.environment import Settings

# How the slots were called while no key could be rolled over.
_FORMER_SLOTS = {
    f"{algorithm}-{slot}": f"{algorithm}-{name}"
    for algorithm in ("ecdsa", "rsa")
    for slot, name in (("a", "current"), ("b", "next"))
}

__all__ = ["Facts", "Promise", "Record", "records"]


def records(settings: Settings, facts: Facts | None = None) -> list[Record]:
    """Every record of the environment, hosts first."""
    facts = facts or Facts()
    table: list[Record] = []
    for key in settings.hosts:
        # A host that is not reached, or whose key is not the expected one, publishes nothing.
        table += [
            replace(row, hosts=(key,), promise="agent") for row in _host(settings, key, facts)
        ]
        table += _tlsa(settings, key, facts)
    for name in settings.domains:
        table += _mta_sts(settings, name, facts)
        exchangers = list(_exchangers(settings, name, facts))
        table += exchangers
        table += _policies(settings, name, tuple(row.key for row in exchangers))
        table += _dkim(settings, name, facts)
    for name in settings.dns.parked_domains:
        table += _parked(settings, name)
    return table


def _host(settings: Settings, key: str, facts: Facts) -> Iterable[Record]:
    """Addresses of an MX host, its keys, and the policies of its own name."""
    host, zone = settings.hosts[key], settings.zone_of(settings.hosts[key].hostname)
    name = host.hostname
    yield Record(f"a-{key}", zone, name, "A", str(host.ipv4))
    if host.ipv6 is not None:
        yield Record(f"aaaa-{key}", zone, name, "AAAA", str(host.ipv6))
    policy = settings.dns.records
    if policy.spf not in (None, "none") and name not in settings.domains:
        # Bounces have no sender; receivers look at the name in EHLO (RFC 7208 section 2.4).
        yield Record(f"spf-{key}", zone, name, "TXT", dns_data.txt("v=spf1 a -all"))
    if policy.tls_rpt not in (None, "none"):
        # The policy domain of a DANE report is the MX host (RFC 8460 section 4.4).
        yield _text(f"tlsrpt-{key}", zone, f"_smtp._tls.{name}", policy.tls_rpt)
    if settings.dns.sshfp and key in facts.host_keys:
        data = dns_data.sshfp(facts.host_keys[key])
        yield Record(f"sshfp-{key}", zone, name, "SSHFP", data=data)
    yield from _caa(settings, key, zone, name)


def _tlsa(settings: Settings, key: str, facts: Facts) -> Iterable[Record]:
    """The keys that Postfix serves on an MX host, or will (RFC 7672 section 8.1)."""
    name = settings.hosts[key].hostname
    zone = settings.zone_of(name)
    if zone in settings.dns.signed_zones:
        for slot, digest in sorted(facts.tlsa.get(key, {}).items()):
            yield Record(
                f"tlsa-{key}-{slot}",
                zone,
                f"_25._tcp.{name}",
                "TLSA",
                data=dns_data.tlsa(digest),
                hosts=(key,),
                promise="tls",
                former=f"tlsa-{key}-{_FORMER_SLOTS.get(slot, slot)}",
            )


def _exchangers(settings: Settings, name: str, facts: Facts) -> Iterable[Record]:
    """MX of a mail domain (RFC 5321 section 5.1)."""
    zone = settings.zone_of(name)
    # A sender that keeps the former policy uses no MX that only the new one names: the new one is
    # served everywhere, and announced, before (RFC 8461 section 8.1).
    after = (f"sts-{name}",) if name in facts.sts_ids else ()
    for key in settings.exchangers(name):
        host = settings.hosts[key]
        yield Record(
            f"mx-{name}-{key}",
            zone,
            name,
            "MX",
            host.hostname,
            priority=host.preference,
            hosts=(key,),
            promise="mail",
            after=after,
        )


def _policies(settings: Settings, name: str, after: tuple[str, ...]) -> Iterable[Record]:
    """SPF, DMARC, DKIM and TLSRPT of a mail domain, and leave for its reports to go elsewhere.

    What judges the domain's mail comes `after` its MX records: no policy for a domain whose mail
    the hosts do not take yet.
    """
    zone, own, shared = settings.zone_of(name), settings.domains[name].records, settings.dns.records
    spf, policy, tls_rpt = own.spf or shared.spf, own.dmarc or shared.dmarc, own.tls_rpt
    for key, at, text in (
        (f"spf-{name}", name, spf),
        (f"dmarc-{name}", f"_dmarc.{name}", policy),
        (f"tlsrpt-{name}", f"_smtp._tls.{name}", tls_rpt or shared.tls_rpt),
    ):
        if text not in (None, "none"):
            yield replace(_text(key, zone, at, text), after=after)
    for selector, text in own.dkim.items():
        yield _text(f"dkim-{name}-{selector}", zone, f"{selector}._domainkey.{name}", text)
    for report_domain in dmarc.report_domains(policy or ""):
        reports_to = _zone_of(settings, report_domain)
        if dmarc.external(name, report_domain) and reports_to is not None:
            leave = f"{name}._report._dmarc.{report_domain}"
            yield _text(f"dmarc-report-{name}-{report_domain}", reports_to, leave, "v=DMARC1")


def _dkim(settings: Settings, name: str, facts: Facts) -> Iterable[Record]:
    """The key of each MX host that signs for a mail domain (RFC 6376 section 3.6.2)."""
    zone = settings.zone_of(name)
    for key in settings.keepers(name):
        if name in facts.dkim.get(key, {}):
            selector = settings.spam_filter.selector(key)
            at = f"{selector}._domainkey.{name}"
            yield Record(f"dkim-{name}-{selector}", zone, at, "TXT", facts.dkim[key][name])


def _mta_sts(settings: Settings, name: str, facts: Facts) -> Iterable[Record]:
    """MTA-STS of a mail domain that has a policy (RFC 8461 sections 3.1, 3.3 and 8.2)."""
    if name not in facts.sts_ids:
        return
    zone, host = settings.zone_of(name), f"mta-sts.{name}"
    other = settings.domains[name].records.mta_sts_cname
    # A host that leaves is still asked for the policy, at the address that goes last; of a domain
    # that leaves all hosts serve it to the end.
    keepers = tuple(settings.keepers(name))
    if other is not None:
        yield Record(f"sts-host-{name}", zone, host, "CNAME", f"mta-sts.{other}")
        yield Record(
            f"sts-{name}",
            zone,
            f"_mta-sts.{name}",
            "CNAME",
            f"_mta-sts.{other}",
            hosts=keepers,
            promise="policy",
            after=(f"sts-host-{name}",),
            other_type=True,
        )
        return
    addresses: list[str] = []
    for key in settings.exchangers(name) or keepers:
        for kind, address in (("A", settings.hosts[key].ipv4), ("AAAA", settings.hosts[key].ipv6)):
            if address is not None:
                addresses.append(f"sts-{kind.lower()}-{name}-{key}")
                yield Record(
                    addresses[-1],
                    zone,
                    host,
                    kind,
                    str(address),
                    hosts=(key,),
                    promise="policy",
                )
    yield from _caa(settings, f"sts-{name}", zone, host)
    yield Record(
        f"sts-{name}",
        zone,
        f"_mta-sts.{name}",
        "TXT",
        dns_data.txt(f"v=STSv1; id={facts.sts_ids[name]}"),
        hosts=keepers,
        promise="policy",
        after=tuple(addresses),
        other_type=True,
    )


def _caa(settings: Settings, key: str, zone: str, name: str) -> Iterable[Record]:
    """CAA at a name of ours, never at the zone, whose other certificates are not ours."""
    if settings.dns.caa is not None:
        for part, data in dns_data.caa(settings.dns.caa).items():
            yield Record(f"caa-{key}-{part}", zone, name, "CAA", data=data)


def _parked(settings: Settings, name: str) -> Iterable[Record]:
    """A domain without mail: null MX (RFC 7505), SPF, DMARC and DKIM that reject all."""
    zone = settings.zone_of(name)
    yield Record(f"mx-{name}", zone, name, "MX", ".", priority=0)
    yield _text(f"spf-{name}", zone, name, "v=spf1 -all")
    yield _text(f"dmarc-{name}", zone, f"_dmarc.{name}", "v=DMARC1; p=reject; adkim=s; aspf=s")
    yield _text(f"dkim-{name}", zone, f"*._domainkey.{name}", "v=DKIM1; p=")


def _text(key: str, zone: str, name: str, text: str | None) -> Record:
    return Record(key, zone, name, "TXT", dns_data.txt(text or ""))


def _zone_of(settings: Settings, name: str) -> str | None:
    try:
        return settings.zone_of(name)
    except KeyError:
        return None
