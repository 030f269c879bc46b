"""The look-ups of zones, getZone and getZones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lab.engine.cloudflare_properties import snake, value_in

GET_ZONE = "cloudflare:index/getZone:getZone"
GET_ZONES = "cloudflare:index/getZones:getZones"
# Asks the API: method, path, and the query by name.
Ask = Callable[..., Any]


class LookUpError(Exception):
    """A look-up that failed, in the original's words."""


def zones(ask: Ask, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Every zone that the token reaches, by name and status."""
    query = {snake(k): v for k, v in arguments.items() if k in ("name", "status")}
    found = ask("GET", "/zones", **query) or []
    return {**arguments, "results": [value_in(zone) for zone in found]}


def zone(ask: Ask, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """One zone, by its ID or a filter. Raises LookUpError."""
    number = arguments.get("zoneId")
    if number is None:
        chosen = arguments.get("filter") or {}
        query = {snake(k): v for k, v in chosen.items() if isinstance(v, str)}
        found = ask("GET", "/zones", **query) or []
        if len(found) != 1:
            raise LookUpError(f"failed to find exactly one result: found {len(found)} results")
        number = found[0]["id"]
    answer = ask("GET", f"/zones/{number}")
    if answer is None:
        raise LookUpError(f"zone {number} not found")
    return {**arguments, **value_in(answer), "zoneId": number}
