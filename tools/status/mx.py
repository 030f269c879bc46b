"""MX records of a domain and the addresses of its hosts."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from tools.status.check import Check, Domain, Host
from tools.status.world import World


def _missing(world: World, domain: Domain) -> Iterator[str]:
    answer = world.names.ask(domain.name, "MX")
    if answer.outcome == "failed":
        yield "the question for its MX records was not answered"
    elif answer.outcome == "empty":
        yield "it has no MX record"


def _no_domain(world: World, domain: Domain) -> Iterator[str]:
    if world.names.ask(domain.name, "MX").outcome == "missing":
        yield "the domain does not exist"


def _null(world: World, domain: Domain) -> Iterator[str]:
    targets = [value.split()[1] for value in world.names.ask(domain.name, "MX").values]
    if "." in targets and len(targets) > 1:
        yield f"it has a null MX besides {', '.join(world.exchangers(domain.name))}"


def _single(world: World, domain: Domain) -> Iterator[str]:
    hosts = world.exchangers(domain.name)
    if len(hosts) == 1:
        yield f"{hosts[0]} is the only MX host"


def _no_address(world: World, host: Host) -> Iterator[str]:
    if not world.addresses(host.name):
        missing = world.names.ask(host.name, "A").outcome == "missing"
        yield "the name does not exist" if missing else "it has no address"


def _alias(world: World, host: Host) -> Iterator[str]:
    alias = world.names.ask(host.name, "A").alias
    if alias is not None:
        yield f"it is a CNAME of {alias}"


def _family(kind: str) -> Check:
    family, severity = ("IPv4", "fault") if kind == "A" else ("IPv6", "warning")

    def run(world: World, host: Host) -> Iterator[str]:
        if world.addresses(host.name) and not world.names.ask(host.name, kind).values:
            yield f"it has no {kind} record"

    return Check(
        f"mx-{kind.lower()}",
        "fault" if severity == "fault" else "warning",
        f"Servers that have only {family} cannot reach it.",
        f"Give the host an {family} address and publish its {kind} record.",
        run,
    )


def _unreachable(world: World, host: Host) -> Iterator[str]:
    for text in world.addresses(host.name):
        address = ip_address(text)
        mapped = getattr(address, "ipv4_mapped", None)
        private = address in _PRIVATE4 if address.version == 4 else address in _PRIVATE6
        if address.is_loopback or address.is_link_local or address.is_unspecified or mapped:
            yield f"{text} cannot be reached from any other machine"
        elif private:
            yield f"{text} is an address of private networks"


class _Networks:
    """Networks of one family that are never routed between sites."""

    def __init__(self, *networks: str) -> None:
        from ipaddress import ip_network

        self._networks = [ip_network(network) for network in networks]

    def __contains__(self, address: object) -> bool:
        return any(address in network for network in self._networks)


_PRIVATE4 = _Networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
_PRIVATE6 = _Networks("fc00::/7")

# What is asked first; of a domain that does not exist nothing else is asked.
EXISTS = (
    Check(
        "domain-missing",
        "fault",
        "Mail to the domain is returned at once.",
        "Check the spelling. If it is right, check the registration and the name servers.",
        _no_domain,
    ),
)
DOMAIN = (
    Check(
        "mx-missing",
        "fault",
        "Senders try the domain's own address, or give up.",
        "Publish an MX record for each mail host, or a null MX if the domain takes no mail.",
        _missing,
    ),
    Check(
        "mx-null-beside-mx",
        "fault",
        "A null MX says that the domain takes no mail (RFC 7505 section 3).",
        "Delete the null MX, or all the others.",
        _null,
    ),
    Check(
        "mx-single",
        "notice",
        "While it is down, mail waits at its senders.",
        "Add a second MX host.",
        _single,
    ),
)
HOST = (
    Check(
        "mx-target",
        "fault",
        "Mail for the domain cannot be delivered to this host.",
        "Publish its address records, or correct the name in the MX record.",
        _no_address,
    ),
    Check(
        "mx-cname",
        "fault",
        "An MX must name a host, not an alias (RFC 5321 section 5.1); some senders refuse it.",
        "Put the alias's target into the MX record.",
        _alias,
    ),
    _family("A"),
    _family("AAAA"),
    Check(
        "mx-private",
        "fault",
        "Senders connect to a machine in their own network, or to none.",
        "Publish the public address.",
        _unreachable,
    ),
)
