"""What the plug-in is configured with, and which resources it serves."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import grpc  # type: ignore[import-untyped]

from lab.engine.cloudflare_properties import DNSSEC, RECORD

OLD_RECORD = "cloudflare:index/record:Record"
BASE_URL = "https://api.cloudflare.com/client/v4"
_CREDENTIALS = (
    ("apiToken", "CLOUDFLARE_API_TOKEN", "Authorization", "Bearer {}"),
    ("apiKey", "CLOUDFLARE_API_KEY", "X-Auth-Key", "{}"),
    ("email", "CLOUDFLARE_EMAIL", "X-Auth-Email", "{}"),
)
TOKEN = re.compile(r"[0-9A-Za-z_-]{40,80}")
BAD_FORM = (
    "API tokens must be 40-80 characters long and only contain characters "
    "a-z, A-Z, 0-9, hyphens and underscores"
)
REQUIRED = {RECORD: ("name", "ttl", "type", "zoneId"), DNSSEC: ("zoneId",)}
"""Inputs without which a resource is refused, by its type."""


def credentials(arguments: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """The headers that say who asks, and the address; of the arguments or the environment.

    Nothing is refused, as by the original: the API's answer to a wrong token is the error.
    """
    headers = {}
    for name, variable, header, form in _CREDENTIALS:
        value = arguments.get(name, os.environ.get(variable))
        if isinstance(value, str) and value:
            headers[header] = form.format(value)
    given = arguments.get("baseUrl")
    base_url = given if isinstance(given, str) else os.environ.get("CLOUDFLARE_BASE_URL")
    return headers, base_url or BASE_URL


def kind_of(request: Any, context: Any) -> str:
    """The type of a request's resource; ends the call for one that is not served."""
    kind: str = request.type or request.urn.split("::")[2].rpartition("$")[2]
    if kind == OLD_RECORD:
        return RECORD
    if kind not in REQUIRED:
        context.abort(grpc.StatusCode.UNKNOWN, f"[pf/tfbridge] unknown resource token: {kind}")
    return kind


def imported(kind: str, number: str) -> tuple[str, str]:
    """Zone and record of an id to import. Raises ValueError for an id of another form."""
    if kind == DNSSEC:
        form, parts = "<zone_id>", [number, number] if "/" not in number else []
    else:
        form, parts = "<zone_id>/<dns_record_id>", number.split("/")
    if len(parts) != 2:
        raise ValueError(f'expected urlencoded segments "{form}", got "{number}"')
    return parts[0], parts[1]
