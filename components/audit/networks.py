"""Rules about networks: clients that are trusted, and words that match nobody.

Sources: postconf(5), BASIC_CONFIGURATION_README, XCLIENT_README, XFORWARD_README.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network

from components.audit.evaluate import everybody, relays, swallowed
from components.audit.lookup import widest
from components.audit.model import Finding, MainCf, Severity
from components.postconf.networks import junk
from components.postconf.syntax import shown

_PRIVATE_NETWORKS = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
)


def _strangers_in(network: IPv4Network | IPv6Network) -> bool:
    """Tell whether a network has many addresses that belong to more than one operator."""
    if isinstance(network, IPv6Network):
        return network.prefixlen < 20 and network.overlaps(IPv6Network("2000::/3"))
    own = any(network.overlaps(one) for one in _PRIVATE_NETWORKS) or network.is_loopback
    return network.prefixlen < 12 and not own


def networks(main: MainCf) -> Iterable[Finding]:
    """Trusted networks that are the whole world, or nearly."""
    name = "mynetworks"
    found = everybody(main, name)
    if found:
        is_open = relays(main) and not swallowed(main)
        effect = (
            "an open relay"
            if is_open
            else "every restriction that permits mynetworks permits everybody"
        )
        effect += ", and all may smuggle messages (smtpd_forbid_bare_newline_exclusions)"
        yield main.finding(
            name,
            "dangerous",
            f"{found} matches every client: {effect}",
            "List this host and the hosts that send through it.",
            "critical" if is_open else "high",
        )
    for word in main.words(name):
        bare = word.replace("[", "").replace("]", "")
        try:
            network = ip_network(bare, strict=False)
        except ValueError:  # a table or an exclusion
            continue
        if widest(str(network)) and word != found:
            yield main.finding(
                name,
                "dangerous",
                f"{word} trusts a large part of the world: an open relay",
                "List this host and the hosts that send through it.",
                "critical",
            )
        elif word != found and _strangers_in(network):
            yield main.finding(
                name,
                "dangerous",
                f"{word} trusts {network.num_addresses:,} addresses, most of which strangers have",
                "List this host and the hosts that send through it.",
            )
    for word in main.words(name):
        if junk(word):
            yield main.finding(
                name,
                "contradictory",
                f"{shown(word[:60])} is neither a network nor a name: it matches nobody",
                "Write 192.0.2.0/24 or [2001:db8::]/32, with blanks or commas between them.",
            )
    if name not in main and main.value("mynetworks_style").lower() == "class":
        yield main.finding(
            "mynetworks_style",
            "dangerous",
            "class trusts the whole network class of each address: an open relay",
            "Set mynetworks, or mynetworks_style = host.",
            "critical",
        )


# Parameter: what a client may do that is in it, and how bad that is.
_TRUSTED: dict[str, tuple[str, Severity]] = {
    "smtpd_authorized_xclient_hosts": (
        "may claim with XCLIENT that they are 127.0.0.1 or logged in: an open relay",
        "critical",
    ),
    "smtpd_authorized_xforward_hosts": ("may write into the log who sent a message", "high"),
    "smtpd_client_event_limit_exceptions": ("are under no limit of connections", "medium"),
    "smtpd_authorized_verp_clients": ("may multiply a message by VERP", "medium"),
    "smtpd_forbid_bare_newline_exclusions": ("may smuggle messages (CVE-2023-51764)", "high"),
}


def trusted(main: MainCf) -> Iterable[Finding]:
    """Strangers who are believed what they say of themselves and of others."""
    for name, (effect, severity) in _TRUSTED.items():
        if name not in main:
            continue
        plain = (word.replace("[", "").replace("]", "") for word in main.words(name))
        found = everybody(main, name) or next((word for word in plain if widest(word)), "")
        if found:
            yield main.finding(
                name,
                "dangerous",
                f"{shown(found[:60])} matches strangers, who {effect}",
                "List the proxies and filters of this host, for example 127.0.0.1.",
                severity,
            )


RULES = (networks, trusted)
