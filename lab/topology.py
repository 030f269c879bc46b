"""What the lab consists of: addresses, names, zones and identifiers, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

STATE = Path("/var/lib/mx-lab")
SAVED = STATE / "saved"
LOCK = Path("/run/lock/mx-lab.lock")
CHECKOUT = Path(__file__).resolve().parent.parent

NETWORK4 = "198.18.77"
NETWORK6 = "2001:db8:77:"
BRIDGE_NETNS = "mxlab-net"
ROOT_VETH = "mxlab0"
MIRROR = "deb.debian.org"
PROXY_PORT = 3142
SUITES = {"12": "bookworm", "13": "trixie"}


def ipv4(host: int) -> str:
    """Return the lab's IPv4 address with this host number."""
    return f"{NETWORK4}.{host}"


def ipv6(host: int) -> str:
    """Return the lab's IPv6 address whose last group is the same decimal digits."""
    return f"{NETWORK6}:{host}"


@dataclass(frozen=True)
class Host:
    """A Debian container: its name, its host numbers (the first is its own) and its image."""

    name: str
    fqdn: str
    numbers: tuple[int, ...]
    image: str
    services: tuple[str, ...] = ("ssh",)

    @property
    def address(self) -> str:
        """The IPv4 address the host is reached at."""
        return ipv4(self.numbers[0])

    @property
    def netns(self) -> str:
        """The name of the host's network namespace."""
        return f"mxlab-{self.name}"

    @property
    def directory(self) -> Path:
        """Where the host's overlay is."""
        return STATE / "hosts" / self.name

    @property
    def root(self) -> Path:
        """Where the host's root file system is mounted."""
        return self.directory / "root"

    @property
    def saved(self) -> Path:
        """What the host adds to its image from the start, once `lab save` has run."""
        return SAVED / "hosts" / self.name


GATEWAY = 1
AUTHORITATIVE, RESOLVER, ACME, CLOUDFLARE = 53, 54, 55, 56

MX1 = Host("mx1", "mx1.example.test", (11,), "bare")
MX2 = Host("mx2", "mx2.example.test", (12,), "bare")
MAILBOX1 = Host("mailbox1", "mailbox1.example.test", (21,), "mailbox", ("ssh", "postfix"))
INTERNET = Host(
    "internet",
    "out.sender.test",
    (2, AUTHORITATIVE, RESOLVER, ACME, CLOUDFLARE),
    "internet",
    ("ssh", "knot", "unbound", "pebble", "cloudflare-api", "postfix"),
)
# The monitoring server is there on demand only (`lab up --monitoring`).
MONITOR = Host(
    "monitor",
    "monitor.sender.test",
    (31,),
    "monitor",
    ("ssh", "prometheus", "prometheus-blackbox-exporter", "prometheus-alertmanager"),
)
HOSTS = (INTERNET, MAILBOX1, MX1, MX2)
ALL_HOSTS = (*HOSTS, MONITOR)
EXCHANGERS = (MX1, MX2)

DOMAINS = ("example.test", "example2.test", "example3.test")
# Domains within the zone of another: they have mailboxes and no zones of their own.
SUBDOMAINS = ("sub.example.test", "lists.example.test")
SENDER_DOMAIN = "sender.test"
REVERSE4 = "77.18.198.in-addr.arpa"
REVERSE6 = "0.0.0.0.7.7.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
ACME_NAME = "acme.test"
CLOUDFLARE_NAME = "cloudflare.test"

CLOUDFLARE_TOKEN = "lab-0123456789-abcdefghijklmnopqrstuvwxyz-token"  # noqa: S105 - only the lab's
CLOUDFLARE_ZONES = {
    "example.test": "023e105f4ecef8ad9ca31a8372d0c353",
    "example2.test": "023e105f4ecef8ad9ca31a8372d0c354",
    "example3.test": "023e105f4ecef8ad9ca31a8372d0c355",
}


def host(name: str) -> Host:
    """Return the host with this short or full name."""
    for candidate in ALL_HOSTS:
        if name in (candidate.name, candidate.fqdn):
            return candidate
    raise KeyError(name)
