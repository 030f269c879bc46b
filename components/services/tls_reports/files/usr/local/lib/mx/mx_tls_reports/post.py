"""`post URL`: POST the report on stdin to an HTTPS address that a stranger's DNS record names.

The name is looked up once and curl(1) gets the addresses, so that no second answer leads elsewhere.
What is inside of the operator's network, or on this host, is never asked. Redirects are not
followed. Exit code 1 while it is not taken: tlsrpt-reportd tries again.
"""

from __future__ import annotations

import ipaddress
import socket
import subprocess
import sys
from collections.abc import Iterable
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Private and shared networks (RFC 1918, RFC 6598, RFC 4193); the others have words of their own.
_INSIDE = tuple(
    map(
        ipaddress.ip_network,
        ("0.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"),
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_CURL = (
    *("curl", "--silent", "--show-error", "--fail", "--globoff", "--disallow-username-in-url"),
    *("--proto", "=https", "--noproxy", "*", "--max-redirs", "0", "--max-time", "60"),
    *("--header", "Content-Type: application/tlsrpt+gzip", "--data-binary", "@-"),
)


class Refused(Exception):
    """The address is none that a report goes to."""


def meant(address: Address) -> Address:
    """The address of IPv4 that one of IPv6 stands for (RFC 4291, 6052, 3056), or itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def inside(address: Address) -> bool:
    """Whether an address is this host, its network, a private one, or nobody's."""
    found = meant(address)
    own = found.is_loopback or found.is_link_local or found.is_unspecified or found.is_multicast
    return own or any(found in network for network in _INSIDE if network.version == found.version)


def destination(url: str) -> tuple[str, int]:
    """Host and port of an HTTPS URL. Raises Refused."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError as error:
        raise Refused(f"not a URL: {error}") from None
    if parts.scheme.lower() != "https" or not host:
        raise Refused("not a URL of HTTPS")
    return host, port


def looked_up(host: str, port: int) -> list[str]:
    """The addresses of a host; one that is inside makes all of them unfit. Raises Refused."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Refused(f"{host}: not found: {error}") from None
    return checked(host, (str(each[4][0]) for each in found))


def checked(host: str, addresses: Iterable[str]) -> list[str]:
    """The addresses, each once. Raises Refused for one that is inside."""
    words = list(dict.fromkeys(addresses))
    for word in words:
        # A zone of IPv6 stands for a link of this host.
        if "%" in word or inside(ipaddress.ip_address(word)):
            raise Refused(f"{host}: {word} is no address of the Internet")
    if not words:
        raise Refused(f"{host}: has no address")
    return words


def command(url: str, host: str, port: int, addresses: list[str]) -> list[str]:
    """The call of curl, which looks nothing up."""
    brackets = [f"[{each}]" if ":" in each else each for each in addresses]
    return [*_CURL, "--resolve", f"{host}:{port}:{','.join(brackets)}", "--url", url]


def main() -> int:
    """Exit codes: 0 taken, 1 not."""
    url = sys.argv[1]
    try:
        host, port = destination(url)
        addresses = looked_up(host, port)
    except Refused as error:
        print(f"not sent: {str(error)!a}", file=sys.stderr)
        return 1
    return subprocess.run(command(url, host, port, addresses), check=False).returncode and 1


if __name__ == "__main__":
    sys.exit(main())
