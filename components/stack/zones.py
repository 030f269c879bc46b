"""The zones of the running stack, looked at before anything is planned."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import pulumi

from components.dns import cloudflare, exchangers, leftovers, zones
from components.dns import records as dns_records
from components.dns.api import DnsApi
from components.dns.foreign import judge
from components.host import held
from components.protocol import warnings
from components.services.mta_sts import policy as mta_sts
from components.settings.environment import Settings
from components.stack import adopted

_RECORD = "cloudflare:index/dnsRecord:DnsRecord"
_LINES_SHOWN = 50
_FRACTION = re.compile(r"\.\d+(?=Z$)")
_UNTOUCHED = "Nothing was changed: zones are read before anything is planned."


@dataclass(frozen=True)
class Kept:
    """A record of the state: its ID, the ID of its zone, and when the API last changed it."""

    identifier: str
    zone: str
    modified: str = ""


@dataclass(frozen=True)
class Before:
    """What is there already, by the key of our record.

    `zones`: the ID of the zone that a record of the state is in. `adopt`: the ID of each record
    that is to be taken over. `api`: the API, with what its tokens may do.
    """

    zones: Mapping[str, str]
    adopt: Mapping[str, str]
    api: DnsApi


class Looking:
    """The zones are being read; meanwhile the program asks its hosts.

    They are asked in every run, their records as `drift.read` says.
    """

    def __init__(self, settings: Settings, api: DnsApi) -> None:
        self._settings, self._api = settings, api
        # Zones of further accounts have providers of their own, which come with their records.
        further = {zone for zones in settings.dns.accounts.values() for zone in zones}
        cloudflare.begin(with_plugin=bool(settings.dns.zones.keys() - further))
        self._pool = ThreadPoolExecutor(1)
        write = not pulumi.runtime.is_dry_run()
        self._found = self._pool.submit(
            zones.look, settings.dns.zones, api, write, settings.drift.read
        )

    def judged(self) -> Before:
        """Refuse zones that are not what the file calls them, and records that must not be two.

        Raises pulumi.RunError, a line each; call this before anything is planned.
        """
        with self._pool:
            found = self._found.result()
        return _judged(self._settings, self._api, found)


def look(settings: Settings, api: DnsApi) -> Before:
    """Read the zones and judge them at once; see `Looking`."""
    return Looking(settings, api).judged()


def _judged(settings: Settings, api: DnsApi, found: zones.Look) -> Before:
    source = f"stacks/Pulumi.{pulumi.get_stack()}.yaml: mx:mail."
    listing = settings.drift.read
    _refuse(source, found.faults)
    kept = _kept(listing)
    if found.silent:
        # Hosts must be within reach while the API is down; a zone that nobody compared must not.
        _refuse(source, unknown_zones(settings, kept or {}, found.silent))
        pulumi.log.warn(
            warnings.not_read(
                warnings.DNS,
                f"{found.silent}; the preview assumes that the records are as in the state",
            )
        )
    elif listing and kept is not None:
        foreign = judge(
            wanted(settings, kept),
            found.records,
            {key: each.identifier for key, each in kept.items()},
            settings.dns.adopt,
        )
        ids = {each.identifier for each in kept.values()} | {*settings.dns.adopt.values()}
        told = (module.told(settings, found.records, ids) for module in (exchangers, leftovers))
        for text in [*foreign.told, *chain.from_iterable(told)]:
            pulumi.log.warn(warnings.zones(text))
        # After the warnings: whoever mends what is refused sees what else is in the way.
        _refuse(source, foreign.refused)
        if drifted := changed(settings, kept, found.records):
            pulumi.log.warn(warnings.records_drift(drifted))
    return Before(
        {key: each.zone for key, each in (kept or {}).items()},
        adopted.left(
            settings, {key: each.identifier for key, each in (kept or {}).items()}, found.records
        ),
        replace(api, reads_only=found.reads_only),
    )


def changed(
    settings: Settings, kept: Mapping[str, Kept], listed: Mapping[str, zones.Listed]
) -> list[str]:
    """The keys of records that the API does not have as this stack left them.

    The API notes when a record was last changed (`modified_on`), and the state has that note, but
    in whole seconds. A record in a zone that was not listed counts as changed: nobody compared it.
    `kept`: the records of the state by key; `listed`: zone to its records as the API tells them.
    """
    there = {
        (settings.dns.zones[zone], str(record.get("id"))): _whole_seconds(record.get("modified_on"))
        for zone, records in listed.items()
        for record in records
    }
    return sorted(
        key
        for key, one in kept.items()
        if there.get((one.zone, one.identifier)) != _whole_seconds(one.modified)
    )


def _whole_seconds(time: object) -> str:
    return _FRACTION.sub("", str(time))


def unknown_zones(settings: Settings, kept: Mapping[str, Kept], silent: str) -> list[str]:
    """Zones in which the state has no record of the stack, while the API does not answer.

    Their IDs may be those of other zones. A line each, beginning with its YAML path. `kept`: the
    records of the state by key; `silent`: why the API did not answer.
    """
    table = wanted(settings, dict(kept))
    compared = [
        (record.zone, kept[record.key].zone == settings.dns.zones[record.zone])
        for record in table
        if record.key in kept
    ]
    known = {zone for zone, same in compared if same} - {
        zone for zone, same in compared if not same
    }
    return [
        f"dns.zones.{zone}: {silent}; the state has no record in the zone "
        f"{settings.dns.zones[zone]} yet, so the program cannot tell whether this ID is "
        f"really {zone}. Try again when the API answers, or correct cloudflare:baseUrl"
        for zone in dict.fromkeys(record.zone for record in table)
        if zone not in known
    ]


def _refuse(source: str, lines: list[str]) -> None:
    if lines:
        shown = [source + line for line in lines[:_LINES_SHOWN]]
        if len(lines) > _LINES_SHOWN:
            shown.append(f"{source}dns: and {len(lines) - _LINES_SHOWN} more of this kind")
        raise pulumi.RunError("\n".join([*shown, _UNTOUCHED]))


def _kept(told: bool) -> dict[str, Kept] | None:
    """The records of the state by key; None when the engine does not give the state."""
    try:
        resources = held.resources()
    except Exception as error:
        if told:
            pulumi.log.warn(
                f"the program did not look for conflicts with other records in the zones: {error}"
            )
        return None
    return records_of(resources)


def records_of(resources: dict[str, dict[str, Any]]) -> dict[str, Kept]:
    """The records among the resources of a state, by key."""
    found = {}
    for urn, resource in resources.items():
        if resource["type"] == _RECORD:
            outputs = resource["outputs"]
            key = urn.rpartition("::")[2].removeprefix("dns-")
            found[key] = Kept(
                *(str(outputs.get(name, "")) for name in ("id", "zoneId", "modifiedOn"))
            )
    return found


def wanted(
    settings: Settings, kept: dict[str, Kept], told: dns_records.Facts | None = None
) -> list[dns_records.Record]:
    """The table, with what hosts will tell left open.

    `kept`: the records of the state by key. `told`: what some hosts have told already.
    """
    told = told or dns_records.Facts()
    dkim = {
        key: dict.fromkeys(settings.domains_of(key)) | dict(told.dkim.get(key, {}))
        for key in settings.hosts
    }
    known = [*kept, *settings.dns.adopt]
    facts = dns_records.Facts(
        host_keys={key: host.host_key for key, host in settings.hosts.items() if host.host_key},
        sts_ids=mta_sts.ids(settings),
        dkim=dkim,
        tlsa={key: told.tlsa.get(key) or _slots(key, known) for key in settings.hosts},
    )
    return dns_records.records(settings, facts)


def _slots(host: str, known: Iterable[str]) -> dict[str, object]:
    """The slots of a host's TLSA records that are known; a host without any will have the first."""
    begin = f"tlsa-{host}-"
    return dict.fromkeys(key.removeprefix(begin) for key in known if key.startswith(begin)) or {
        "ecdsa-a": None
    }
