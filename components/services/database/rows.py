"""Rows of the database `mail` from the settings: one text for each table, fields between tabs."""

from __future__ import annotations

from collections.abc import Iterable

from components.settings.environment import Settings

Rows = Iterable[tuple[str, ...]]


def _text(rows: Rows) -> str:
    return "".join("\t".join(row) + "\n" for row in sorted(rows))


def recipients(settings: Settings, host: str) -> Rows:
    """Domain and local part of every recipient that stands in the stack file."""
    return [
        (domain, local)
        for domain in settings.domains_of(host)
        for local in settings.domains[domain].recipients
    ]


def aliases(settings: Settings, host: str) -> Rows:
    """Domain and local part of each alias, once for each address that gets its mail."""
    return [
        (domain, local, address)
        for domain in settings.domains_of(host)
        for local, addresses in settings.domains[domain].aliases.items()
        for address in dict.fromkeys(addresses)
    ]


def transports(settings: Settings, host: str) -> Rows:
    """Mail domain to the mailbox host, by name and port without an MX look-up (transport(5))."""
    rows = []
    for domain in settings.domains_of(host):
        mailbox = settings.mailbox_hosts[settings.domains[domain].mailbox_host]
        # lmtp(8) looks up no MX either way, but asks lmtp_tls_policy_maps for the words after
        # `inet:`. With brackets they are the next hop as `postfix.tlsPolicies` has it.
        inet = "inet:" if mailbox.protocol == "lmtp" else ""
        rows.append((domain, f"{mailbox.protocol}:{inet}[{mailbox.hostname}]:{mailbox.port}"))
    return rows


def tables(settings: Settings, host: str) -> dict[str, str]:
    """Name of each table to its rows, without the recipients of files of their own."""
    return {
        "mail_domain": _text((domain,) for domain in settings.domains_of(host)),
        "recipient": _text(recipients(settings, host)),
        "alias": _text(aliases(settings, host)),
        "transport": _text(transports(settings, host)),
        "tls_policy": _text(settings.postfix.tls_policies.items()),
    }
