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
TOKEN = re.compile(r"[0-9A-Za-z_-]{40,80}")
BAD_FORM = (
    "API tokens must be 40-80 characters long and only contain characters "
    "a-z, A-Z, 0-9, hyphens and underscores"
)
REQUIRED = {RECORD: ("name", "ttl", "type", "zoneId"), DNSSEC: ("zoneId",)}
"""Inputs without which a resource is refused, by its type."""


def credentials(arguments: Mapping[str, Any]) -> tuple[str, str] | None:
    """Token and address, of the arguments or the environment; None without a token.

    Raises ValueError for a token of a wrong form.
    """
    token = arguments.get("apiToken") or os.environ.get("CLOUDFLARE_API_TOKEN") or ""
    base_url = arguments.get("baseUrl") or os.environ.get("CLOUDFLARE_BASE_URL") or BASE_URL
    if not isinstance(token, str) or not isinstance(base_url, str) or not token:
        return None
    if not TOKEN.fullmatch(token):
        raise ValueError(BAD_FORM)
    return token, base_url


def kind_of(request: Any, context: Any) -> str:
    """The type of a request's resource; ends the call for one that is not served."""
    kind: str = request.type or request.urn.split("::")[2].rpartition("$")[2]
    if kind == OLD_RECORD:
        return RECORD
    if kind not in REQUIRED:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"unknown resource type {kind}")
    return kind
