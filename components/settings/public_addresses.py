"""Addresses of MX hosts that no sender on the Internet can reach.

The settings may have them, so that examples and test networks can be rendered. A preview and an
`up` refuse them, because they would be published as A and AAAA records.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from components.settings.environment import Settings
from components.settings.text import listed

Address = IPv4Address | IPv6Address

# The first row that fits names the kind.
_KINDS: tuple[tuple[IPv4Network | IPv6Network, str], ...] = tuple(
    (ip_network(network), words)
    for network, words in (
        ("192.0.2.0/24", "for documentation (RFC 5737)"),
        ("198.51.100.0/24", "for documentation (RFC 5737)"),
        ("203.0.113.0/24", "for documentation (RFC 5737)"),
        ("2001:db8::/32", "for documentation (RFC 3849)"),
        ("3fff::/20", "for documentation (RFC 9637)"),
        ("10.0.0.0/8", "private (RFC 1918)"),
        ("172.16.0.0/12", "private (RFC 1918)"),
        ("192.168.0.0/16", "private (RFC 1918)"),
        ("fc00::/7", "a unique local one (RFC 4193)"),
        ("fec0::/10", "a site-local one (RFC 3879)"),
        ("100.64.0.0/10", "shared by the customers of a provider (RFC 6598)"),
        ("169.254.0.0/16", "link-local (RFC 3927)"),
        ("fe80::/10", "link-local (RFC 4291)"),
        ("127.0.0.0/8", "the host's own loopback (RFC 1122)"),
        ("::1/128", "the host's own loopback (RFC 4291)"),
        ("198.18.0.0/15", "for benchmarks (RFC 2544)"),
        ("192.88.99.0/24", "of a 6to4 relay (RFC 7526)"),
        ("2002::/16", "of 6to4 (RFC 3056)"),
        ("2001::/32", "of Teredo (RFC 4380)"),
        ("64:ff9b::/96", "of a translator to IPv4 (RFC 6052)"),
        ("::ffff:0:0/96", "an IPv4 address in the form of IPv6 (RFC 4291)"),
        ("224.0.0.0/4", "for multicast (RFC 5771)"),
        ("ff00::/8", "for multicast (RFC 4291)"),
        ("0.0.0.0/8", "of no host (RFC 1122)"),
        ("240.0.0.0/4", "reserved (RFC 1112)"),
        ("::/128", "of no host (RFC 4291)"),
    )
)


def kind(address: Address) -> str | None:
    """The kind of an address that the Internet does not route to one host, else None."""
    for network, words in _KINDS:
        if address in network:
            return words
    return None if address.is_global else "special (iana.org, special-purpose address registry)"


def faults(settings: Settings) -> Iterator[str]:
    """One line for all addresses of a kind that must not be published, beginning with a YAML path.

    Documentation has networks in several RFCs: they are one kind.
    """
    if settings.dns.private_addresses:
        return
    found: dict[str, list[_Wrong]] = {}
    for key, host in settings.hosts.items():
        for name, address in (("ipv4", host.ipv4), ("ipv6", host.ipv6)):
            words = kind(address) if address is not None else None
            if address is not None and words is not None:
                begin, _, source = words.partition(" (")
                wrong = _Wrong(f"hosts.{key}.{name}", key, address, source.rstrip(")"))
                found.setdefault(begin, []).append(wrong)
    for begin, all_of_it in found.items():
        yield _line(begin, all_of_it)


@dataclass(frozen=True)
class _Wrong:
    path: str
    host: str
    address: Address
    source: str


def _line(begin: str, found: list[_Wrong]) -> str:
    first = found[0]
    others = [
        f"{each.path} ({each.address}{f', {each.source}' * (each.source != first.source)})"
        for each in found[1:]
    ]
    text = f"{first.path}: {first.address} is {begin} ({first.source})"
    if others:
        text += (
            f", and so {'is' if len(others) == 1 else 'are'} {listed(others)}; no sender on the "
        )
        text += "Internet can reach them; give the hosts' public addresses, which DNS publishes"
    else:
        text += ", and no sender on the Internet can reach it; give the host's public address, "
        text += "which DNS publishes"
    hosts = {each.host for each in found}
    at = first.host if len(hosts) == 1 else "HOST"
    return (
        f"{text} (if SSH uses another address, give that as hosts.{at}.sshAddress). In an "
        "intranet or a test network, set `dns.privateAddresses: true`"
    )
