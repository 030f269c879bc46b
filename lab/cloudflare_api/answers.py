"""The API's envelopes and pages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Response, request

from .errors import ApiError

ACCOUNT = {"id": "01a7362d577a6c3019a474fd6f485823", "name": "lab"}


def answer(result: Any, info: Mapping[str, Any] | None = None, status: int = 200) -> Response:
    """Cloudflare's envelope around a result."""
    body: dict[str, Any] = {"result": result, "success": True, "errors": [], "messages": []}
    if info is not None:
        body["result_info"] = info
    return Response(json.dumps(body), status, content_type="application/json")


def failure(error: ApiError) -> Response:
    """Cloudflare's envelope around an error."""
    errors = [{"code": error.code, "message": error.message}]
    body = {"result": None, "success": False, "errors": errors, "messages": []}
    response = Response(json.dumps(body), error.status, content_type="application/json")
    response.headers.update(error.headers)
    return response


def page(items: list[Any], size: int) -> Response:
    """One page of a list."""
    try:
        number = max(1, int(request.args.get("page", 1)))
        size = min(50000, max(1, int(request.args.get("per_page", size))))
    except ValueError:
        raise ApiError(400, 1004, "page and per_page must be numbers.") from None
    part = items[(number - 1) * size : number * size]
    info = {"page": number, "per_page": size, "count": len(part), "total_count": len(items)}
    return answer(part, {**info, "total_pages": -(-len(items) // size)})


def wanted(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records that the request's filters let through."""
    result = list(records)
    for key in ("name", "type", "content"):
        exact = request.args.get(key) or request.args.get(f"{key}.exact")
        if exact:
            text = exact.rstrip(".") if key == "name" else exact
            result = [item for item in result if item[key].lower() == text.lower()]
        inside = request.args.get(f"{key}.contains")
        if inside:
            result = [item for item in result if inside.lower() in item[key].lower()]
    return result


def zone_json(number: str, zone: Mapping[str, Any]) -> dict[str, Any]:
    """A zone as the API tells of it."""
    stamp = zone["created_on"]
    return {
        "id": number,
        "name": zone["name"],
        "status": "active",
        "paused": False,
        "type": "full",
        "account": ACCOUNT,
        "name_servers": ["ns1.lab.test", "ns2.lab.test"],
        "original_name_servers": [],
        "original_registrar": None,
        "original_dnshost": None,
        "created_on": stamp,
        "modified_on": stamp,
        "activated_on": stamp,
        "development_mode": 0,
        "meta": {},
        "owner": {"id": None, "type": "user", "email": None},
        "permissions": ["#dns_records:edit"],
        "plan": {"id": "0", "name": "Free Website"},
        "tenant": {},
        "tenant_unit": {},
        "verification_key": "x",
        "vanity_name_servers": [],
        "cname_suffix": "",
    }
