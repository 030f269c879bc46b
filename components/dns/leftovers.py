"""Records of others that bind our hosts where the stack itself publishes none of the kind.

A former set-up of the same hosts leaves such records, and a provider that the domain leaves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from components.dns import foreign
from components.settings.environment import Settings


def told(
    settings: Settings, listed: Mapping[str, Iterable[Mapping[str, Any]]], ours: Collection[str]
) -> Iterator[str]:
    """Sentences for a preview, or for `mx adopt`; see `components.dns.exchangers.told`."""
    at: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for zone, records in listed.items():
        for record in records:
            if record.get("id") not in ours:
                kind, name = str(record.get("type")), str(record.get("name")).lower()
                at.setdefault((zone, kind, name), []).append(record)
    for host in settings.hosts.values():
        zone, name = settings.zone_of(host.hostname), f"_25._tcp.{host.hostname}"
        count = len(at.get((zone, "TLSA", name), ()))
        if count and zone not in settings.dns.signed_zones:
            yield (
                f"{name} has {count} TLSA record{'s' * (count != 1)} that the stack does not "
                f"publish, since dns.signedZones does not have {zone}. If the zone is signed with "
                "DNSSEC, senders with DANE defer their mail to the host unless one of the records "
                "matches its key (RFC 7672 section 2.1). Remove the records, or add the zone to "
                "dns.signedZones."
            )
    for domain, each in settings.domains.items():
        zone, name = settings.zone_of(domain), f"_mta-sts.{domain}"
        texts = at.get((zone, "TXT", name), ())
        announced = any(foreign.policy(record) == "MTA-STS" for record in texts)
        # With an MX record or a policy of ours, components/dns/foreign.py tells it.
        if announced and each.mta_sts is None and not settings.exchangers(domain):
            yield (
                f"{name} announces an MTA-STS policy that is not this stack's. Unless its mode is "
                "none or testing, senders deliver only to hosts that the policy names (RFC 8461 "
                "section 5). Let the policy name this stack's MX hosts, and wait for its max_age, "
                "before an MX record names them."
            )
