"""The MX records of a mail domain that are not this stack's, and what they mean for its mail."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from components.dns import foreign
from components.policies import spf
from components.settings.environment import Settings

Listed = Mapping[str, Iterable[Mapping[str, Any]]]


def told(settings: Settings, listed: Listed, ours: Collection[str]) -> Iterator[str]:
    """Sentences for a preview, or for `mx adopt`.

    `listed`: zone to its records as the API tells them. `ours`: the IDs of the stack's records.
    """
    keys = {host.hostname: key for key, host in settings.hosts.items()}
    at: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for zone, records in listed.items():
        for record in records:
            is_other = record.get("type") == "MX" and record.get("id") not in ours
            if is_other and _name(record):
                at.setdefault((zone, str(record.get("name")).lower()), []).append(record)
    for domain in settings.domains:
        zone = settings.zone_of(domain)
        if zone not in listed:
            continue
        wanted = settings.exchangers(domain)
        # A record in the place of one of ours is told as such (components/dns/foreign.py).
        found = at.get((zone, domain), [])
        others = [record for record in found if keys.get(_name(record)) not in wanted]
        if not wanted:
            yield _unnamed(settings, domain, others)
        for record in others:
            if key := keys.get(_name(record)):
                yield _named(settings, domain, key, record)
        theirs = {_name(record) for record in others} - {*keys}
        yield from _by_mx_alone(settings, domain, theirs, listed)


def _named(settings: Settings, domain: str, key: str, record: Mapping[str, Any]) -> str:
    """An MX record that names a host of the stack, and that the stack does not publish."""
    if key in settings.keepers(domain):
        why = f"`leavingMx` or `leaving` has {key}. Mail comes to the host now, set up or not"
    else:
        why = f"{key} is not in domains.{domain}.mx. The host refuses the domain's mail"
    return (
        f"An MX record of {domain} names {_name(record)}, preference {foreign.number(record)}. "
        f"The record is not this stack's, and {why}. If that is not meant, remove the record "
        f"(ID {record.get('id')})."
    )


def _unnamed(settings: Settings, domain: str, others: list[Mapping[str, Any]]) -> str:
    """A domain that the hosts serve, and that no MX record of the stack names."""
    keepers = settings.keepers(domain)
    hosts = " and ".join(keepers)
    they = "These hosts take" if len(keepers) > 1 else "The host takes"
    none = (
        f"This stack publishes no MX record of {domain}, because `leavingMx` or `leaving` has "
        f"{hosts}. {they} mail that is sent there by name."
    )
    if not others:
        return f"{domain} will have no MX record, so senders do not find its hosts. {none}"
    names = sorted(f"{_name(record)}, preference {foreign.number(record)}" for record in others)
    return f"Mail for {domain} goes to {'; '.join(names)}. {none}"


def _by_mx_alone(settings: Settings, domain: str, names: set[str], listed: Listed) -> Iterator[str]:
    """A sentence about those of the names that the SPF record allows by `mx` alone."""
    text = settings.domains[domain].records.spf or settings.dns.records.spf
    try:
        terms = spf.terms(text) if text not in (None, "none") else []
    except ValueError:  # the settings refuse such a text
        return
    if not any(term.name == "mx" and not term.value for term in terms):
        return
    by_name = {term.value.rstrip(".").lower() for term in terms if term.name == "a"}
    networks = [term.value for term in terms if term.name in ("ip4", "ip6")]
    left = [
        name for name in sorted(names - by_name) if not _within(_addresses(name, listed), networks)
    ]
    if left:
        # A name outside of the stack's zones has addresses that only DNS knows.
        asked = f" Is its address in {' or '.join(networks)}? Then nothing is missing."
        others = asked if networks else ""
        yield (
            f"The SPF record of {domain} has the term mx, which names {' and '.join(left)} "
            f"only as long as the MX record exists.{others} If mail of the domain is sent from "
            "there, and no other term names the sender, add one before that MX record goes."
        )


def _addresses(name: str, listed: Listed) -> list[str]:
    """What the A and AAAA records of the listed zones say of a name."""
    return [
        str(record.get("content"))
        for records in listed.values()
        for record in records
        if record.get("type") in ("A", "AAAA") and str(record.get("name")).lower() == name
    ]


def _within(addresses: list[str], networks: list[str]) -> bool:
    """Whether there are addresses, and each is in one of the networks."""
    among = [ip_network(network, strict=False) for network in networks]
    try:
        wanted = [ip_address(address) for address in addresses]
    except ValueError:  # the API's words, not ours
        return False
    return bool(wanted) and all(any(one in network for network in among) for one in wanted)


def _name(record: Mapping[str, Any]) -> str:
    return str(record.get("content")).rstrip(".").lower()
