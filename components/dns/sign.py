"""Switch a zone's signing on at Cloudflare and print the DS record that its registrar needs.

Runs as a program of its own, with the standard library only. The environment names `MX_ZONE_ID`
and, where the stack sets them, `MX_API_TOKEN` and `MX_API_URL`; otherwise CLOUDFLARE_API_TOKEN and
CLOUDFLARE_BASE_URL count, as for Cloudflare's plug-in. A zone that is signed stays as it is.

Source: https://developers.cloudflare.com/api/resources/dns/subresources/dnssec/
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

# `python -I` knows the standard library only; the engine's state holds that call.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from components.dns.client import Client, Refused, Silent

PAUSES_SECONDS = (1, 2, 4, 8)
# The states of a zone that Cloudflare signs; "pending" lasts until the registrar has the DS record.
SIGNED = frozenset({"active", "pending"})


class Unsigned(Exception):
    """Cloudflare does not sign the zone although it did not refuse to."""


def switch_on(client: Client, zone_id: str) -> tuple[str, str]:
    """Sign the zone if it is not signed yet; give its state and its DS record.

    Raises Refused, Silent, Unsigned.
    """
    path = f"zones/{zone_id}/dnssec"
    state = client.result("GET", path)
    if state.get("status") not in SIGNED:
        state = client.result("PATCH", path, {"status": "active"})
    for pause in PAUSES_SECONDS:
        if state.get("ds"):
            break
        time.sleep(pause)
        state = client.result("GET", path)
    if state.get("status") not in SIGNED or not state.get("ds"):
        raise Unsigned(
            "Cloudflare does not sign the zone although it accepted the request; its state is "
            f"{state.get('status')!r}"
        )
    return str(state["status"]), str(state["ds"])


def main() -> int:
    """Print the DS record, and on stderr what is still to do."""
    environment = os.environ
    token = environment.get("MX_API_TOKEN") or environment.get("CLOUDFLARE_API_TOKEN", "")
    client = Client(token, environment.get("MX_API_URL"))
    try:
        status, record = switch_on(client, environment["MX_ZONE_ID"])
    except (Refused, Silent, Unsigned) as error:
        print(error, file=sys.stderr)
        return 1
    print(record)
    zone = record.split()[0].rstrip(".")
    if status == "pending":
        print(
            f"{zone}: the zone is signed; give its registrar this DS record: {record}",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
