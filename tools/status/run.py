"""All checks of a domain, its MX hosts and their addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest

from components.settings.text import visible
from tools.status import authority, identity, mx, promises, reputation, sender, servers, transport
from tools.status.check import Address, Check, Domain, Finding, Host, findings
from tools.status.world import World

DOMAIN: tuple[Check, ...] = (*mx.DOMAIN, *servers.DOMAIN, *sender.DOMAIN, *promises.DOMAIN)
HOST: tuple[Check, ...] = (*servers.HOST, *identity.HOST, *authority.HOST, *promises.HOST)
ADDRESS: tuple[Check, ...] = (*transport.ADDRESS, *identity.ADDRESS, *reputation.ADDRESS)
_AT_ONCE = 8
_ORDER = {"fault": 0, "warning": 1, "notice": 2}


def domains(
    world: World,
    names: Iterable[str],
    more: Iterable[Check] = (),
    at: Iterable[Check] = (),
    told: Iterable[Finding] = (),
    held: Mapping[str, Collection[str]] | None = None,
) -> list[Finding]:
    """Everything that is wrong with the domains, the worst first, each thing once.

    `more` are checks of a domain beside the tables, `at` of an address; `told` is known already.
    `held`: domain to hosts that serve it and that no MX record names yet; they are checked too.
    """
    found: list[Finding] = list(told)
    hosts: dict[str, Host] = {}
    extra = tuple(more)
    for name in names:
        missing = findings(mx.EXISTS, world, Domain(name))
        found += missing or findings((*DOMAIN, *extra), world, Domain(name))
        for exchanger in (*world.exchangers(name), *(held or {}).get(name, ())):
            hosts.setdefault(exchanger, Host(exchanger, name))
    here = (*ADDRESS, *at)
    addresses = [
        Address(address, host.name, host.domain)
        for host in hosts.values()
        for address in world.addresses(host.name)
    ]
    for host in hosts.values():
        found += findings(mx.HOST, world, host)
        if world.addresses(host.name):
            found += findings(HOST, world, host)
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        for part in pool.map(lambda address: findings(here, world, address), addresses):
            found += part
    finally:
        # After Ctrl-C nobody waits for servers that do not answer.
        pool.shutdown(wait=False, cancel_futures=True)
    return sorted(dict.fromkeys(found), key=lambda finding: _ORDER[finding.severity])


def with_last(found: list[Finding]) -> Iterator[tuple[Finding, bool]]:
    """Each finding, and whether the next one has another reason or cure."""
    for each, following in zip_longest(found, found[1:]):
        same = following is not None and (each.why, each.cure) == (following.why, following.cure)
        yield each, not same


def summary(names: Iterable[str], found: list[Finding]) -> str:
    """How many faults, warnings and notices the domains have, in one line."""
    counts = Counter[str](each.severity for each in found)
    words = ", ".join(
        f"{counts[severity]} {severity}{'s' * (counts[severity] != 1)}" for severity in _ORDER
    )
    return f"{visible(', '.join(names), but='')}: {words}"
