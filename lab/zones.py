"""The DNS zones of the lab's Internet, from a root of their own down."""

from __future__ import annotations

from ipaddress import ip_address

from lab.topology import (
    ACME,
    ACME_NAME,
    AUTHORITATIVE,
    CLOUDFLARE,
    CLOUDFLARE_NAME,
    DOMAINS,
    GATEWAY,
    HOSTS,
    INTERNET,
    MAILBOX1,
    REVERSE4,
    REVERSE6,
    SENDER_DOMAIN,
    ipv4,
    ipv6,
)

NAMESERVER = "ns.test."
CHILDREN = {
    ".": ("test", REVERSE4, REVERSE6),
    "test": (*DOMAINS, SENDER_DOMAIN),
}
ZONES = (*DOMAINS, SENDER_DOMAIN, REVERSE4, REVERSE6, "test", ".")
"""Every zone, children before their parents, which need the children's DS records."""


def addresses(name: str, number: int) -> str:
    """Return the A and the AAAA record of a name."""
    return f"{name} A {ipv4(number)}\n{name} AAAA {ipv6(number)}\n"


def zone_file(zone: str, ds: str = "") -> str:
    """Return a zone's master file; `ds` are the DS records of its children."""
    lines = [
        "$TTL 60\n",
        f"{absolute(zone)} SOA {NAMESERVER} hostmaster.test. 1 60 30 86400 1\n",
        f"{absolute(zone)} NS {NAMESERVER}\n",
        *(f"{absolute(child)} NS {NAMESERVER}\n" for child in CHILDREN.get(zone, ())),
        ds,
    ]
    if zone in (".", "test"):
        lines.append(addresses(NAMESERVER, AUTHORITATIVE))
    if zone == "test":
        lines.append(addresses(absolute(ACME_NAME), ACME))
        lines.append(addresses(absolute(CLOUDFLARE_NAME), CLOUDFLARE))
    if zone == "example.test":
        lines.append(addresses(absolute(MAILBOX1.fqdn), MAILBOX1.numbers[0]))
    if zone == SENDER_DOMAIN:
        lines.append(addresses(absolute(INTERNET.fqdn), INTERNET.numbers[0]))
        lines.append(f"{absolute(zone)} MX 10 {absolute(INTERNET.fqdn)}\n")
        # Tests also send from this machine, by the lab's gateway.
        here = f"ip4:{ipv4(GATEWAY)} ip6:{ipv6(GATEWAY)}"
        lines.append(f'{absolute(zone)} TXT "v=spf1 mx {here} -all"\n')
    if zone in (REVERSE4, REVERSE6):
        lines.extend(_pointers(zone))
    return "".join(lines)


def absolute(name: str) -> str:
    """Return a name with its final dot."""
    return name if name.endswith(".") else f"{name}."


def _pointers(zone: str) -> list[str]:
    """Return the PTR records of a reverse zone."""
    to_address = ipv4 if zone == REVERSE4 else ipv6
    names = {number: host.fqdn for host in HOSTS for number in host.numbers[:1]}
    names |= {AUTHORITATIVE: NAMESERVER, ACME: ACME_NAME, CLOUDFLARE: CLOUDFLARE_NAME}
    return [
        f"{ip_address(to_address(number)).reverse_pointer}. PTR {absolute(name)}\n"
        for number, name in sorted(names.items())
    ]
