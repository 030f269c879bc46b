"""The host firewall: one nftables table of its own, `inet mx` (nft(8)).

Tables of others are left alone. A packet must be accepted by every table, so theirs still count.
No rule limits rates: Internet.nl and monitoring open many connections to port 25 at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

from components.settings.environment import Settings

TABLE = "inet mx"

_BASE = """\
    ct state established,related accept
    ct state invalid drop
    iif "lo" accept
    # Neighbours, path MTU and ping; without them IPv6 does not work (RFC 4890).
    meta l4proto { icmp, ipv6-icmp } accept
    # DHCPv6 and DHCP answers come from ports that conntrack does not expect.
    udp sport 67 udp dport 68 accept
    ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept"""


def table(settings: Settings, host: str, public_ports: Iterable[int]) -> str:
    """The table, made anew in one transaction. Raises ValueError without `firewall`.

    `public_ports` are the TCP ports that everybody may reach.
    """
    if settings.firewall is None:
        raise ValueError("the settings have no firewall")
    ports = ", ".join(str(port) for port in sorted(set(public_ports)))
    rules = [f"    tcp dport {{ {ports} }} accept"]
    rules += _from(settings.firewall.ssh_networks, settings.ssh.port)
    if settings.monitoring is not None:
        rules += _from(settings.monitoring.networks, settings.monitoring.node_exporter_port)
    lines = [
        f"# Firewall of {settings.hosts[host].hostname}; written by mx, see docs/operating.md.",
        f"table {TABLE}",
        f"delete table {TABLE}",
        f"table {TABLE} {{",
        "  chain input {",
        "    type filter hook input priority filter; policy drop;",
        _BASE,
        *rules,
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _from(networks: Iterable[str], port: int) -> Iterable[str]:
    """One rule a family: a TCP port for these networks."""
    for version, family in ((4, "ip"), (6, "ip6")):
        of_family = [each for each in networks if ip_network(each).version == version]
        if of_family:
            yield f"    {family} saddr {{ {', '.join(of_family)} }} tcp dport {port} accept"
