"""Lists of networks, such as mynetworks: what stops Postfix, and what it passes over.

Sources: match_hostaddr() in src/util/match_ops.c, cidr_match.c.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, ip_network

from components.postconf.syntax import shown, words

NETWORKS = frozenset(
    (
        *("mynetworks", "permit_mx_backup_networks", "smtpd_authorized_xclient_hosts"),
        *("smtpd_authorized_xforward_hosts", "smtpd_client_event_limit_exceptions"),
        *("smtpd_forbid_bare_newline_exclusions", "smtpd_authorized_verp_clients"),
        *("debug_peer_list", "smtpd_sasl_exceptions_networks", "qmqpd_authorized_clients"),
    )
)


def network(word: str) -> str | None:
    """Why Postfix cannot read one word of a list of networks; None when it can."""
    bare = word.lstrip("!")
    if not bare:
        return "! with nothing after it"
    if junk(word) or not {"/", ":"} & set(bare):  # Postfix passes over what is no address
        return None
    if bare.startswith("[") or re.fullmatch(r"[0-9./]+", bare):
        inner = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](/\d+)?", bare)
        address = f"{inner[1]}{inner[2] or ''}" if inner else bare
        try:
            ip_network(address)
        except ValueError as error:
            return f"{shown(bare[:60])!r} is not a network ({error})"
    elif re.fullmatch(r"[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(/\d+)?", bare):
        address, slash, bits = bare.partition("/")
        return f"{bare!r} is read as a table; write IPv6 in brackets: [{address}]{slash}{bits}"
    elif bare.startswith(":") or bare.endswith(":"):
        return f"{shown(bare[:60])!r} is not a table, which has the form type:name"
    return None


def junk(word: str) -> bool:
    """Tell whether a word of a list of networks is none, and no name, table or file either."""
    bare = word.lstrip("!")
    kind, colon, _ = bare.partition(":")
    if bare.startswith(("/", "{")) or (colon and re.fullmatch(r"[a-z]+", kind)):
        return False
    if re.fullmatch(r"[0-9.]+", bare) and not _is_address(bare):
        return True
    return re.search(r"[^A-Za-z0-9._:/\[\]-]", bare) is not None or (
        "/" in bare and re.search(r"[G-Zg-z_-]", bare) is not None
    )


def _is_address(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True


def fault(value: str) -> str | None:
    """Why Postfix cannot read a list of networks; None when it can."""
    return next((wrong for word in words(value) if (wrong := network(word))), None)
