"""Questions to the Cloudflare API: which zones a token reaches, and what is in them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import httpx

API = "https://api.cloudflare.com/client/v4"
_TIMEOUT_SECONDS = 20


class Refused(Exception):
    """The API cannot be reached or refuses the token; the text says what and why."""


class Unreachable(Refused):
    """The API did not answer at all."""


@dataclass(frozen=True)
class Zone:
    """A zone that the token reaches."""

    name: str
    identifier: str
    status: str


def client(
    token: str, base: str = "", transport: httpx.BaseTransport | None = None
) -> httpx.Client:
    """A client of the API; `base` is another address than Cloudflare's, for example the lab's."""
    return httpx.Client(
        base_url=(base or os.environ.get("CLOUDFLARE_BASE_URL") or API).rstrip("/") + "/",
        headers={"Authorization": f"Bearer {token}"},
        timeout=_TIMEOUT_SECONDS,
        transport=transport,
    )


def _get(http: httpx.Client, path: str, **params: str) -> Any:
    try:
        answer = http.get(path, params=params)
    except httpx.HTTPError as error:
        raise Unreachable(f"{http.base_url}: {error or type(error).__name__}") from None
    try:
        document = answer.json()
    except ValueError:
        raise Refused(f"{http.base_url}: {answer.status_code}, and no JSON") from None
    if not answer.is_success or not isinstance(document, dict):
        errors = document.get("errors") if isinstance(document, dict) else None
        words = "; ".join(str(one.get("message")) for one in errors or [] if isinstance(one, dict))
        raise Refused(f"GET {path}: {answer.status_code} {words}".strip())
    return document.get("result")


def zone_for(http: httpx.Client, domain: str) -> Zone | None:
    """The zone that holds a domain: the longest name among the domain and those above it."""
    labels = domain.split(".")
    for start in range(len(labels) - 1):
        name = ".".join(labels[start:])
        for found in _get(http, "zones", name=name) or []:
            if isinstance(found, dict) and found.get("name") == name:
                return Zone(name, str(found.get("id")), str(found.get("status")))
    return None


def zone(http: httpx.Client, identifier: str) -> Zone:
    """The zone with this ID. Raises Refused."""
    found = _get(http, f"zones/{identifier}") or {}
    return Zone(str(found.get("name")), identifier, str(found.get("status")))


def mail_records(http: httpx.Client, identifier: str, domain: str) -> list[str]:
    """MX, SPF and DMARC records of a domain as `NAME TYPE CONTENT`."""
    found = []
    for name, kind in ((domain, "MX"), (domain, "TXT"), (f"_dmarc.{domain}", "TXT")):
        for record in _get(http, f"zones/{identifier}/dns_records", name=name, type=kind) or []:
            content = str(record.get("content", "")).strip('"')
            if kind == "MX" or content.lower().startswith(("v=spf1", "v=dmarc1")):
                found.append(f"{name} {kind} {content}")
    return found
