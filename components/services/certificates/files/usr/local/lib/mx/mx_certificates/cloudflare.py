"""The few calls of Cloudflare's API that dns-01 needs, with bounded patience.

Source: https://developers.cloudflare.com/api/resources/dns/subresources/records/
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from . import Trouble

ATTEMPTS = 5
LONGEST_PAUSE_SECONDS = 30.0
REQUEST_TIMEOUT_SECONDS = 30.0
TTL_SECONDS = 60
IDENTICAL = 81058
_DENIED = {400: (6003, 9106), 401: (), 403: ()}


class Zone:
    """TXT records of one zone."""

    def __init__(self, base_url: str, zone_id: str, token: str) -> None:
        self._url = f"{base_url.rstrip('/')}/zones/{zone_id}/dns_records"
        self._token = token

    def add(self, name: str, text: str) -> None:
        """Make a TXT record; one that is there already will do. Raises Trouble."""
        body = {"type": "TXT", "name": name, "content": f'"{text}"', "ttl": TTL_SECONDS}
        self._call("POST", "", {**body, "comment": "ACME challenge, goes by itself"}, IDENTICAL)

    def remove(self, name: str, text: str) -> None:
        """Take the TXT record with this text away, and no other. Raises Trouble."""
        query = urllib.parse.urlencode({"type": "TXT", "name": name, "per_page": 100})
        for record in self._call("GET", f"?{query}", None) or []:
            if record["content"].strip('"') == text:
                self._call("DELETE", f"/{record['id']}", None)

    def _call(self, verb: str, path: str, body: Any, fine: int = 0) -> Any:
        said, pause = "", 0.0
        for attempt in range(ATTEMPTS):
            time.sleep(pause)
            pause = min(2.0**attempt, LONGEST_PAUSE_SECONDS)
            request = urllib.request.Request(  # noqa: S310 (the URL is the stack's)
                self._url + path,
                None if body is None else json.dumps(body).encode(),
                {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
                method=verb,
            )
            try:
                with urllib.request.urlopen(  # noqa: S310
                    request, timeout=REQUEST_TIMEOUT_SECONDS
                ) as answer:
                    return json.loads(answer.read())["result"]
            except urllib.error.HTTPError as error:
                codes, said = _errors(error)
                if fine in codes:
                    return None
                if error.code == 429:
                    pause = _retry_after(error)
                elif error.code < 500:
                    raise Trouble(self._refused(error.code, codes, said)) from None
                said = f"status {error.code}: {said}"
            except OSError as error:
                # urllib.error.URLError holds the error of the system in `reason`.
                reason = getattr(error, "reason", error)
                words = getattr(reason, "strerror", None) or reason
                said = f"{words}. Can this host reach that address over HTTPS?"
            except (ValueError, KeyError) as error:
                said = str(error)
        raise Trouble(f"DNS API: {verb} {self._url} failed {ATTEMPTS} times: {said}")

    def _refused(self, status: int, codes: set[int], said: str) -> str:
        if status in _DENIED and (not _DENIED[status] or codes & set(_DENIED[status])):
            return f"DNS API: the token is refused (it needs DNS Write on the zone): {said}"
        return f"DNS API: the request is refused: status {status}: {said}"


def _errors(error: urllib.error.HTTPError) -> tuple[set[int], str]:
    try:
        found = json.loads(error.read())["errors"]
        words = "; ".join(f"{one['message']} (code {one['code']})" for one in found)
        return {int(one["code"]) for one in found}, words
    except (ValueError, KeyError, TypeError, OSError):
        return set(), str(error.reason)


def _retry_after(error: urllib.error.HTTPError) -> float:
    given = error.headers.get("Retry-After", "")
    return min(float(given) if given.isdigit() else 5.0, LONGEST_PAUSE_SECONDS)
