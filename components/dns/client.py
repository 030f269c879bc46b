"""Requests to Cloudflare's API from the program itself, with the standard library only.

Source: https://developers.cloudflare.com/api/, "Get zones", "List DNS Records".
"""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

VENDOR = "https://api.cloudflare.com/client/v4"
RECORDS_A_PAGE = 1000
_ZONES_A_PAGE = 50
_TIMEOUT_SECONDS = 30
_PAUSES_SECONDS = (1, 2, 4)
_PASSING = frozenset({408, 409, 429, 500, 502, 503, 504})


class Refused(Exception):
    """The API refused a request; `status` is that of HTTP, the text has the API's own words."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Silent(Exception):
    """The API gave no answer, or none that it documents; the text says to which request."""


class Client:
    """The API as one token sees it.

    `base_url`: another address than the vendor's; without it CLOUDFLARE_BASE_URL of the
    environment counts, as for Cloudflare's plug-in.
    """

    def __init__(self, token: str, base_url: str | None = None) -> None:
        base = base_url or os.environ.get("CLOUDFLARE_BASE_URL") or VENDOR
        self._base, self._token = base.rstrip("/"), token

    def call(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The whole answer to a request. Raises Refused, Silent."""
        request = urllib.request.Request(  # noqa: S310 (the URL is the stack's)
            f"{self._base}/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
            method=verb,
        )
        asked = f"{verb} {request.full_url.partition('?')[0]}"
        for pause in (*_PAUSES_SECONDS, None):
            try:
                with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
                    read = json.loads(answer.read())
                if not isinstance(read, dict):
                    raise Silent(f"{asked}: the answer is not a JSON object")
                return read
            except urllib.error.HTTPError as error:
                if error.code not in _PASSING:
                    raise Refused(
                        error.code, f"{verb} {path}: {error.code} {_words(error)}"
                    ) from None
                reason = f"{error.code} {_words(error)}"
            except (OSError, http.client.HTTPException) as error:
                reason = str(getattr(error, "reason", None) or error or type(error).__name__)
            except ValueError:
                reason = "the answer is not JSON"
            if pause is not None:
                time.sleep(pause)
        raise Silent(f"{asked}: {reason}")

    def pages(self, path: str, size: int, **query: str) -> Iterator[dict[str, Any]]:
        """Each item of a list, `size` of them with one request. Raises Refused, Silent."""
        number, last = 1, 1
        while number <= last:
            asked = urllib.parse.urlencode({**query, "page": number, "per_page": size})
            answer = self.call("GET", f"{path}?{asked}")
            result, told = answer.get("result"), answer.get("result_info")
            if not isinstance(result, list) or not isinstance(told, dict):
                raise Silent(f"GET {self._base}/{path}: the answer has no list")
            yield from (item for item in result if isinstance(item, dict))
            last = int(told.get("total_pages") or 1)
            number += 1

    def records(self, zone_id: str, **query: str) -> Iterator[dict[str, Any]]:
        """The records of a zone, those that `query` asks for. Raises Refused, Silent."""
        return self.pages(f"zones/{zone_id}/dns_records", RECORDS_A_PAGE, **query)

    def zone(self, zone_id: str) -> dict[str, Any]:
        """A zone with its `name` and `status`. Raises Refused, Silent."""
        return self.result("GET", f"zones/{zone_id}")

    def zone_for(self, name: str) -> dict[str, Any] | None:
        """The zone that holds a name: the longest one of this token. Raises Refused, Silent."""
        labels = name.split(".")
        for start in range(len(labels) - 1):
            above = ".".join(labels[start:])
            for found in self.pages("zones", _ZONES_A_PAGE, name=above):
                if found.get("name") == above:
                    return found
        return None

    def result(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The `result` of an answer, where that is one object. Raises Refused, Silent."""
        found = self.call(verb, path, body).get("result")
        if not isinstance(found, dict):
            raise Silent(f"{verb} {self._base}/{path}: the answer has no result")
        return found


def _words(error: urllib.error.HTTPError) -> str:
    """The API's own words for an error, with its code."""
    try:
        told = json.loads(error.read(10_000))["errors"]
        return "; ".join(f"{each['message']} ({each['code']})" for each in told) or error.reason
    except (OSError, ValueError, KeyError, TypeError):
        return str(error.reason)
