"""Switch a zone's signing on at Cloudflare and print the DS record that its registrar needs.

Runs as a program on its own, with the standard library only. The environment names `MX_ZONE_ID`
and, where the stack sets them, `MX_API_TOKEN` and `MX_API_URL`; otherwise CLOUDFLARE_API_TOKEN and
CLOUDFLARE_BASE_URL count, as for Cloudflare's plug-in. A zone that is signed stays as it is.

Source: https://developers.cloudflare.com/api/resources/dns/subresources/dnssec/
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import Any

VENDOR = "https://api.cloudflare.com/client/v4"
PAUSES_SECONDS = (1, 2, 4, 8)
REQUEST_TIMEOUT_SECONDS = 30
PASSING = frozenset({408, 409, 429, 500, 502, 503, 504})
# The states of a zone that Cloudflare signs; "pending" lasts until the registrar has the DS record.
SIGNED = frozenset({"active", "pending"})


class Refused(Exception):
    """What the API said, or that it did not answer; a sentence for the operator."""


def call(url: str, token: str, body: dict[str, str] | None = None) -> dict[str, Any]:
    """The zone's DNSSEC: asked for, or changed with a body. Raises Refused."""
    verb = "GET" if body is None else "PATCH"
    request = urllib.request.Request(  # noqa: S310 (the URL is the stack's)
        url,
        None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method=verb,
    )
    reason = ""
    for pause in (*PAUSES_SECONDS, None):
        try:
            with urllib.request.urlopen(  # noqa: S310
                request, timeout=REQUEST_TIMEOUT_SECONDS
            ) as answer:
                result = json.loads(answer.read())["result"]
            if isinstance(result, dict):
                return result
            reason = f"the answer to {verb} {url} holds no DNSSEC state"
        except urllib.error.HTTPError as error:
            text = error.read(500).decode(errors="replace")
            reason = f"{verb} {url} was answered with {error.code} {error.reason}: {text}"
            if error.code not in PASSING:
                break
        except (OSError, http.client.HTTPException) as error:
            reason = f"{verb} {url} got no answer: {error}"
        except (ValueError, KeyError, TypeError) as error:
            reason = f"the answer to {verb} {url} is not what Cloudflare sends: {error!r}"
        if pause is not None:
            time.sleep(pause)
    raise Refused(reason)


def switch_on(url: str, token: str) -> tuple[str, str]:
    """Sign the zone if it is not signed yet; give its state and its DS record. Raises Refused."""
    state = call(url, token)
    if state.get("status") not in SIGNED:
        state = call(url, token, {"status": "active"})
    for pause in PAUSES_SECONDS:
        if state.get("ds"):
            break
        time.sleep(pause)
        state = call(url, token)
    if state.get("status") not in SIGNED or not state.get("ds"):
        raise Refused(f"Cloudflare does not sign the zone: its state is {state.get('status')!r}")
    return str(state["status"]), str(state["ds"])


def main() -> int:
    """Print the DS record, and on stderr what is still to do."""
    environment = os.environ
    token = environment.get("MX_API_TOKEN") or environment.get("CLOUDFLARE_API_TOKEN", "")
    base = environment.get("MX_API_URL") or environment.get("CLOUDFLARE_BASE_URL") or VENDOR
    url = f"{base.rstrip('/')}/zones/{environment['MX_ZONE_ID']}/dnssec"
    try:
        status, record = switch_on(url, token)
    except Refused as error:
        print(error, file=sys.stderr)
        return 1
    print(record)
    zone = record.split()[0].rstrip(".")
    if status == "pending":
        print(f"{zone}: signed; give its registrar this DS record: {record}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
