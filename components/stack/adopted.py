"""The lines of dns.adopt: which still have something to take over, and which are out of date."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.dns import zones
from components.dns.records import records
from components.protocol import warnings
from components.settings.environment import Settings


def left(
    settings: Settings, kept: Mapping[str, str], listed: Mapping[str, zones.Listed]
) -> dict[str, str]:
    """The lines that still have something to take over. A warning tells of those out of date.

    `kept`: key of a record of the state to its ID. `listed`: zone to its records; none when the
    zones were not listed. A record that is gone from its zone is made, not taken over.
    """
    all_of_them = [record for each in listed.values() for record in each]
    there = {record.get("id") for record in all_of_them}
    names = {each.key: (each.name, each.type) for each in records(settings)}
    found = {}
    for key, identifier in settings.dns.adopt.items():
        gone = bool(there) and identifier not in there
        if key in kept and (not there or kept[key] in there):
            if gone:
                _tell(key, f"`mx up` made the record anew, with the ID {kept[key]}: write this ID")
        elif gone:
            others = [
                str(record.get("id"))
                for record in all_of_them
                if (str(record.get("name")).lower(), record.get("type")) == names.get(key)
            ]
            what = f"no zone of this stack has a record with the ID {identifier}"
            then = "; a new record is created"
            if others:
                then = f". Of its name and type there is {' and '.join(others)}: write the ID that "
                then += "is meant"
            _tell(key, what + then)
        else:
            found[key] = identifier
    return found


def _tell(key: str, text: str) -> None:
    pulumi.log.warn(warnings.zones(f"dns.adopt.{key}: {text}"))
