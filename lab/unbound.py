"""Unbound: the validating resolver that all the lab's hosts ask."""

from __future__ import annotations

from pathlib import Path

from lab import zones
from lab.system import write
from lab.topology import AUTHORITATIVE, NETWORK4, NETWORK6, RESOLVER, STATE, ipv4, ipv6

DIRECTORY = STATE / "dns"


def configure(root: Path, trust_anchor: str) -> None:
    """Write the configuration, the root hints and the trust anchor."""
    folder = root / "etc/unbound"
    for shipped in (folder / "unbound.conf.d").glob("*.conf"):
        shipped.unlink()
    hints = f". 60 NS {zones.NAMESERVER}\n" + zones.addresses(zones.NAMESERVER, AUTHORITATIVE)
    write(folder / "lab-root.hints", hints)
    write(folder / "lab-root.key", trust_anchor)
    # What stacks/Pulumi.lab.yaml gives to the resolvers of the MX hosts.
    write(DIRECTORY / "root.hints", hints)
    write(DIRECTORY / "root.key", trust_anchor)
    # Answers are kept for a moment only, so that a test sees what it has just published.
    write(
        folder / "unbound.conf.d/mx-lab.conf",
        "server:\n"
        f"    interface: {ipv4(RESOLVER)}\n"
        f"    interface: {ipv6(RESOLVER)}\n"
        "    interface: 127.0.0.1\n"
        f"    access-control: {NETWORK4}.0/24 allow\n"
        f"    access-control: {NETWORK6}:/64 allow\n"
        "    root-hints: /etc/unbound/lab-root.hints\n"
        "    trust-anchor-file: /etc/unbound/lab-root.key\n"
        '    module-config: "validator iterator"\n'
        "    cache-max-ttl: 5\n"
        "    cache-max-negative-ttl: 1\n"
        "    infra-host-ttl: 5\n"
        '    local-zone: "test." nodefault\n'
        '    local-zone: "8.b.d.0.1.0.0.2.ip6.arpa." nodefault\n',
    )
