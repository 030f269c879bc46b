"""The domain's name servers, each asked by itself, and DNSSEC."""

from __future__ import annotations

from collections.abc import Iterator

from tools.status.check import Check, Domain, Host
from tools.status.names import Answer
from tools.status.world import World

_COMPARED = ("MX", "TXT")


def zone_of(world: World, name: str) -> str | None:
    """The closest name above that has NS records."""
    labels = name.split(".")
    for start in range(len(labels) - 1):
        candidate = ".".join(labels[start:])
        if world.names.ask(candidate, "NS").values:
            return candidate
    return None


def _servers(world: World, domain: Domain) -> list[tuple[str, str]]:
    """Name and address of every name server."""
    zone = zone_of(world, domain.name)
    if zone is None:
        return []
    names = world.names.ask(zone, "NS").values
    return [(name, address) for name in names for address in world.addresses(name)]


def _few(world: World, domain: Domain) -> Iterator[str]:
    zone = zone_of(world, domain.name)
    names = world.names.ask(zone, "NS").values if zone else ()
    if len(names) == 1:
        yield f"{names[0]} is the only name server"
    reachable = [name for name in names if world.names.ask(name, "AAAA").values]
    if len(names) > 1 and len(reachable) < 2:
        yield f"{len(reachable)} of {len(names)} name servers have an IPv6 address"


def _lame(world: World, domain: Domain) -> Iterator[str]:
    zone = zone_of(world, domain.name)
    for name, address in _servers(world, domain):
        answer = world.names.ask_at(address, zone or domain.name, "SOA")
        if answer.outcome == "failed":
            yield f"{name} [{address}] does not answer"
        elif not answer.authoritative or not answer.values:
            yield f"{name} [{address}] does not have the zone"


def _stale(world: World, domain: Domain) -> Iterator[str]:
    zone = zone_of(world, domain.name) or domain.name
    serials: dict[int, list[str]] = {}
    for name, address in _servers(world, domain):
        answer = world.names.ask_at(address, zone, "SOA")
        if answer.values and answer.authoritative:
            serial = int(answer.values[0].split()[2])
            serials.setdefault(serial, []).append(f"{name} [{address}]")
    newest = max(serials, default=0)
    for serial, places in sorted(serials.items()):
        if serial != newest:
            yield f"{', '.join(places)} has serial {serial}, others {newest}"


def _differ(world: World, domain: Domain) -> Iterator[str]:
    for kind in _COMPARED:
        answers: dict[tuple[str, ...], list[str]] = {}
        for name, address in _servers(world, domain):
            answer = world.names.ask_at(address, domain.name, kind)
            if answer.authoritative:
                answers.setdefault(answer.values, []).append(f"{name} [{address}]")
        if len(answers) > 1:
            said = "; ".join(f"{', '.join(v)}: {list(k)}" for k, v in answers.items())
            yield f"{kind}: {said}"


def _is_bogus(answer: Answer, name: str) -> Iterator[str]:
    if answer.outcome == "bogus":
        yield f"{name}: a validating resolver refuses the answer"


def _bogus(world: World, domain: Domain) -> Iterator[str]:
    for kind in ("SOA", "MX", "TXT"):
        yield from _is_bogus(world.names.ask(domain.name, kind), f"{domain.name} {kind}")


def _unsigned(world: World, domain: Domain) -> Iterator[str]:
    answer = world.names.ask(domain.name, "MX")
    if answer.exists and not answer.secure:
        yield "its answers are not signed, or its DS record is missing"


def _host_bogus(world: World, host: Host) -> Iterator[str]:
    for kind in ("A", "AAAA"):
        yield from _is_bogus(world.names.ask(host.name, kind), f"{host.name} {kind}")


def _host_unsigned(world: World, host: Host) -> Iterator[str]:
    answer = world.names.ask(host.name, "A")
    if answer.exists and not answer.secure:
        yield "its addresses are not signed"


_WHY_UNSIGNED = "Without DNSSEC senders cannot use DANE, and answers can be forged."
_WHY_BOGUS = (
    "Every validating resolver answers SERVFAIL, so many mail servers cannot send to the domain."
)
_CURE_BOGUS = "Compare the DS record at the registrar with the zone's keys; renew the signatures."
DOMAIN = (
    Check(
        "ns-few",
        "notice",
        (
            "The domain becomes unreachable if this one server fails, or for networks that have "
            "only IPv6."
        ),
        "Use at least two name servers, each with IPv6.",
        _few,
    ),
    Check(
        "ns-lame",
        "fault",
        "Resolvers that ask this server wait and get no answer.",
        "Configure the zone on the server, or remove the server from the NS records.",
        _lame,
    ),
    Check(
        "ns-stale",
        "warning",
        "Resolvers that ask this server get old records.",
        "Find out why the zone transfer fails.",
        _stale,
    ),
    Check(
        "ns-differ",
        "fault",
        "Senders get different records, depending on the name server that they ask.",
        "Make all name servers serve the same zone.",
        _differ,
    ),
    Check("dnssec-bogus", "fault", _WHY_BOGUS, _CURE_BOGUS, _bogus),
    Check(
        "dnssec-unsigned",
        "warning",
        _WHY_UNSIGNED,
        "Sign the zone and give the DS record to the registrar.",
        _unsigned,
    ),
)
HOST = (
    Check("mx-dnssec-bogus", "fault", _WHY_BOGUS, _CURE_BOGUS, _host_bogus),
    Check(
        "mx-dnssec-unsigned",
        "warning",
        _WHY_UNSIGNED,
        "Sign the zone of the host's name, or use a name in a signed zone.",
        _host_unsigned,
    ),
)
