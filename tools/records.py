"""Records that the DNS API has already although the engine does not know it.

`python -m tools.records STACK FOLDER`, called by scripts/records. FOLDER/preview is what
`pulumi preview --json` printed, stdin what `pulumi config --show-secrets --json` prints. Writes
FOLDER/targets, the URN of each record that the preview would create, and FOLDER/config.yaml: the
stack's file, which adopts those of them that are there, equal in every field. A run that was
killed left them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.dns.client import Client, Refused, Silent
from components.dns.types import api_data
from components.settings import stack_file
from components.settings.environment import SettingsError
from components.settings.text import visible
from tools import dns_api
from tools.preview.records import line

_RECORD = "cloudflare:index/dnsRecord:DnsRecord"

_SHOWN = 10

Inputs = Mapping[str, Any]


class Unread(Exception):
    """The preview failed, or the API did not tell a zone's records."""


def creates(preview: str) -> tuple[dict[str, Inputs], list[str]]:
    """Inputs of each record that can be created now, by its URN; the URNs of those that wait.

    A record that waits for something that changes is left to the next `up`: an MX record waits for
    the database of its host and for the new id of the MTA-STS policy. Raises Unread when it was no
    preview that ended well.
    """
    try:
        steps = json.loads(preview)["steps"]
    except (ValueError, TypeError, KeyError):
        raise Unread(f"the preview failed:\n{preview}") from None
    found: dict[str, Inputs] = {}
    waiting: list[str] = []
    changing: set[str] = set()
    # In the order of the program: what a record waits for stands before it. What stays as it is has
    # no step, so a record names all that it waits for.
    for step in steps:
        state = step.get("newState") or {}
        new = step["op"] == "create" and state.get("type") == _RECORD
        waits = not changing.isdisjoint(state.get("dependencies", []))
        if new and not waits:
            found[step["urn"]] = state["inputs"]
        elif step["op"] != "same":
            changing.add(step["urn"])
            waiting += [step["urn"]] if new else []
    return found, waiting


def key_of(urn: str) -> str:
    """The key of a record, from the name of its resource."""
    return urn.rpartition("::")[2].removeprefix("dns-")


def same(wanted: Inputs, present: Inputs) -> bool:
    """Whether a record of the API is the one that is wanted, its TTL included."""
    plain = ("name", "type", "ttl", "priority", "proxied")
    if any(wanted.get(key) != present.get(key) for key in plain):
        return False
    if wanted.get("data") is None:
        return bool(wanted.get("content") == present.get("content"))
    data = {key: str(value) for key, value in api_data(wanted["data"]).items()}
    return data == {key: str(value) for key, value in (present.get("data") or {}).items()}


def present(wanted: Mapping[str, Inputs], clients: Mapping[str, Client]) -> dict[str, str]:
    """URN to record ID of what is there. `clients`: zone ID to a client with its token.

    Raises Unread.
    """
    zones: dict[str, list[Inputs]] = {}
    found: dict[str, str] = {}
    for urn, inputs in wanted.items():
        zone_id = inputs["zoneId"]
        if zone_id not in zones:
            try:
                zones[zone_id] = list(clients[zone_id].records(zone_id))
            except (Refused, Silent) as error:
                raise Unread(f"DNS API: zone {zone_id}: {error}") from None
        for record in zones[zone_id]:
            if same(inputs, record):
                found[urn] = record["id"]
    return found


def main(stack: str, folder: Path) -> int:
    """Write the configuration; return the exit code."""
    try:
        wanted, waiting = creates((folder / "preview").read_text())
        settings = stack_file.settings_of(stack)
        api = dns_api.from_config(settings.dns, json.load(sys.stdin), os.environ)
        found = present(wanted, dns_api.clients(settings.dns, api))
    except (Unread, SettingsError) as error:
        print(f"records: {error}", file=sys.stderr)
        return 1
    document = stack_file.document(stack)
    dns = document["config"]["mx:mail"]["dns"]
    keys = {key_of(urn): found[urn] for urn in found}
    dns["adopt"] = dict(dns.get("adopt") or {}) | keys
    (folder / "targets").write_text("".join(f"{urn}\n" for urn in wanted))
    # JSON is YAML with every string quoted: the engine reads 00...8 as a number, PyYAML does not.
    (folder / "config.yaml").write_text(json.dumps(document))
    if wanted:
        print(
            f"records: {len(wanted)} are missing in the state, and {len(found)} of them exist at "
            "the API. + is made, = is taken over"
        )
    else:
        print("records: the state has all records; nothing to make")
    for urn, inputs in wanted.items():
        print(f"  {'=' if urn in found else '+'} {visible(line(dict(inputs)), but='')}")
    if waiting:
        print(
            f"records: {len(waiting)} more wait for a change of a host or of another record; `up` "
            f"makes them: {', '.join(map(key_of, waiting[:_SHOWN]))}"
            + (f" and {len(waiting) - _SHOWN} more" if len(waiting) > _SHOWN else "")
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
