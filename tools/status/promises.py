"""MTA-STS and TLSRPT of a domain."""

from __future__ import annotations

from collections.abc import Iterator

from components.policies import mta_sts, tlsrpt
from components.policies.mta_sts import Policy
from tools.status.check import Check, Domain, Host
from tools.status.world import Page, World

_DAY_SECONDS = 86400


def _records(world: World, domain: str) -> list[str]:
    return world.texts(f"_mta-sts.{domain}", "v=STSv1")


def _pages(world: World, domain: str) -> list[tuple[str, Page]]:
    """The policy at every address of the policy host."""
    host = f"mta-sts.{domain}"
    return [(address, world.web.policy(host, address)) for address in world.addresses(host)]


def _policy(world: World, domain: str) -> tuple[Policy | None, list[str]]:
    """The first policy that can be had, and its faults; none without a record."""
    if not _records(world, domain):
        return None, []
    for _, page in _pages(world, domain):
        if page.error is None and page.status == 200:
            return mta_sts.parse(page.text)
    return None, []


def _sts_missing(world: World, domain: Domain) -> Iterator[str]:
    if not _records(world, domain.name) and not world.no_mail(domain.name):
        yield f"there is no record v=STSv1 at _mta-sts.{domain.name}"


def _sts_record(world: World, domain: Domain) -> Iterator[str]:
    found = _records(world, domain.name)
    if len(found) > 1:
        yield f"there are {len(found)} records"
    for text in found:
        yield from mta_sts.record_faults(text)


def _sts_host(world: World, domain: Domain) -> Iterator[str]:
    if _records(world, domain.name) and not world.addresses(f"mta-sts.{domain.name}"):
        yield f"mta-sts.{domain.name} has no address"


def _sts_fetch(world: World, domain: Domain) -> Iterator[str]:
    if _records(world, domain.name):
        for address, page in _pages(world, domain.name):
            if page.error is not None:
                yield f"mta-sts.{domain.name} [{address}]: {page.error}"
            elif page.status != 200:
                yield f"mta-sts.{domain.name} [{address}] answers {page.status}"


def _sts_policy(world: World, domain: Domain) -> Iterator[str]:
    yield from _policy(world, domain.name)[1]


def _sts_differ(world: World, domain: Domain) -> Iterator[str]:
    if _records(world, domain.name):
        texts = {page.text for _, page in _pages(world, domain.name) if page.status == 200}
        if len(texts) > 1:
            yield f"the addresses of mta-sts.{domain.name} serve {len(texts)} different policies"


def _sts_mx(world: World, domain: Domain) -> Iterator[str]:
    policy, _ = _policy(world, domain.name)
    if policy is not None and policy.mode != "none":
        for host in world.exchangers(domain.name):
            if not mta_sts.allows(policy, host):
                yield f"{host} is an MX host, but no mx line of the policy matches it"


def _sts_extra(world: World, domain: Domain) -> Iterator[str]:
    policy, _ = _policy(world, domain.name)
    if policy is not None:
        hosts = world.exchangers(domain.name)
        for pattern in policy.mx:
            alone = Policy(policy.mode, policy.max_age, (pattern,))
            if not any(mta_sts.allows(alone, host) for host in hosts):
                yield f"the policy names {pattern}, which is no MX host"


def _sts_mode(world: World, domain: Domain) -> Iterator[str]:
    policy, _ = _policy(world, domain.name)
    if policy is not None and policy.mode in ("testing", "none"):
        yield f"its mode is {policy.mode}"


def _sts_age(world: World, domain: Domain) -> Iterator[str]:
    policy, _ = _policy(world, domain.name)
    if policy is not None and policy.mode == "enforce" and 0 <= policy.max_age < _DAY_SECONDS:
        yield f"max_age is {policy.max_age} seconds"


def _tlsrpt_missing(world: World, domain: Domain) -> Iterator[str]:
    if not world.texts(f"_smtp._tls.{domain.name}", "v=TLSRPTv1"):
        values = world.names.ask(f"_smtp._tls.{domain.name}", "TXT").values
        other = f"; there is {values[0]!r}" if values else ""
        if not world.no_mail(domain.name):
            yield f"there is no record v=TLSRPTv1 at _smtp._tls.{domain.name}{other}"


def _tlsrpt_record(world: World, domain: Domain) -> Iterator[str]:
    found = world.texts(f"_smtp._tls.{domain.name}", "v=TLSRPTv1")
    if len(found) > 1:
        yield f"there are {len(found)} records"
    for text in found:
        yield from tlsrpt.faults(text)


def _tlsrpt_host(world: World, host: Host) -> Iterator[str]:
    if world.names.ask(f"_25._tcp.{host.name}", "TLSA").values and not world.texts(
        f"_smtp._tls.{host.name}", "v=TLSRPTv1"
    ):
        yield f"there is no record at _smtp._tls.{host.name}"


_WHY_STS = "An attacker can redirect senders without DANE, or make them send in plain text."
_WHY_FETCH = (
    "Senders cannot fetch a new policy; with mode enforce, a change of the MX hosts then stops "
    "their mail."
)
DOMAIN = (
    Check(
        "sts-missing",
        "warning",
        _WHY_STS,
        "Serve a policy in mode testing, then publish the record (RFC 8461 section 8.1).",
        _sts_missing,
    ),
    Check(
        "sts-record",
        "fault",
        "Senders behave as if there were no MTA-STS (RFC 8461 section 3.1).",
        "Keep one record, v=STSv1; id=LETTERS_AND_DIGITS.",
        _sts_record,
    ),
    Check(
        "sts-host", "fault", _WHY_FETCH, "Publish its A and AAAA records, or a CNAME.", _sts_host
    ),
    Check(
        "sts-unreachable",
        "fault",
        _WHY_FETCH,
        "Serve /.well-known/mta-sts.txt over HTTPS with a public certificate, without redirect.",
        _sts_fetch,
    ),
    Check(
        "sts-policy",
        "fault",
        _WHY_FETCH,
        "Correct the policy, then change the id in the record.",
        _sts_policy,
    ),
    Check(
        "sts-differ",
        "fault",
        "Senders that have fetched one policy refuse what the other allows.",
        "Serve the same policy everywhere.",
        _sts_differ,
    ),
    Check(
        "sts-mx",
        "fault",
        "In mode enforce senders do not deliver to this host.",
        (
            "Add it to the policy and change the id. Next time, change the policy before the MX "
            "record."
        ),
        _sts_mx,
    ),
    Check(
        "sts-extra",
        "notice",
        "A policy should not allow other hosts for longer than max_age.",
        "Take it out of the policy and change the id.",
        _sts_extra,
    ),
    Check(
        "sts-mode",
        "notice",
        _WHY_STS,
        "Set mode enforce once the TLS reports show no failures.",
        _sts_mode,
    ),
    Check(
        "sts-age",
        "warning",
        "An attacker has to block the policy host only for that long.",
        "Use weeks, for example 1209600.",
        _sts_age,
    ),
    Check(
        "tlsrpt-missing",
        "warning",
        "Nobody tells you when senders cannot deliver over TLS.",
        "Publish v=TLSRPTv1; rua=mailto:...",
        _tlsrpt_missing,
    ),
    Check(
        "tlsrpt-record",
        "fault",
        "Senders ignore the record (RFC 8460 section 3).",
        "Correct it.",
        _tlsrpt_record,
    ),
)
HOST = (
    Check(
        "tlsrpt-host",
        "notice",
        "Senders with DANE report to the name of the MX host (RFC 8460 section 4.4).",
        "Publish the same record below the host's name.",
        _tlsrpt_host,
    ),
)
