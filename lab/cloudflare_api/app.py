"""The double as a Flask application: one function a route."""

from __future__ import annotations

import re
import secrets
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, make_server

from .answers import answer, failure, page, wanted, zone_json
from .errors import ApiError
from .records import Records, find, patch, put
from .state import Api, Fault

ZONE_READ, DNS_READ, DNS_EDIT = "Zone:Read", "DNS:Read", "DNS:Edit"
SCOPES = frozenset({ZONE_READ, DNS_READ, DNS_EDIT})
ROOT = "/client/v4"


def body() -> Any:
    """The request's JSON; raises ApiError when there is none."""
    parsed = request.get_json(force=True, silent=True)
    if parsed is None:
        raise ApiError(400, 9207, "Request body is invalid.")
    return parsed


def create_app(api: Api) -> Flask:
    """The double as a Flask application."""
    app = Flask("cloudflare_api")

    @app.before_request
    def _before() -> None:
        if request.path.startswith(ROOT):
            api.spoil()
            api.limit(api.token())

    @app.errorhandler(ApiError)
    def _failure(error: ApiError) -> Response:
        return failure(error)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        return failure(ApiError(error.code or 500, 7000, "No route for that URI"))

    @app.get(f"{ROOT}/user/tokens/verify")
    def _verify() -> Response:
        number = secrets.token_hex(16)
        return answer({"id": number, "status": "active"})

    @app.get(f"{ROOT}/zones")
    def _zones() -> Response:
        api.need(ZONE_READ)
        name = request.args.get("name") or request.args.get("name.exact")
        names = [(key, number) for key, number in api.zones.items() if name in (None, key)]
        return page([zone_json(number, api.data[number]) for _, number in names], 20)

    @app.get(f"{ROOT}/zones/<number>")
    def _zone(number: str) -> Response:
        api.need(ZONE_READ)
        return answer(zone_json(number, api.zone(number)))

    @app.route(f"{ROOT}/zones/<number>/dnssec", methods=["GET", "PATCH", "DELETE"])
    def _dnssec(number: str) -> Response:
        reads = request.method == "GET"
        api.need(*((DNS_READ, DNS_EDIT) if reads else (DNS_EDIT,)))
        new = body() if request.method == "PATCH" else None
        return answer(api.dnssec(number, request.method, new))

    _add_records(app, api)
    _add_faults(app, api)
    return app


def _add_records(app: Flask, api: Api) -> None:
    """The routes of a zone's records."""

    @app.get(f"{ROOT}/zones/<number>/dns_records")
    def _records(number: str) -> Response:
        api.need(DNS_READ, DNS_EDIT)
        with api.lock:
            found = wanted(api.zone(number)["records"].values())
        return page(found, 100)

    @app.post(f"{ROOT}/zones/<number>/dns_records")
    def _post(number: str) -> Response:
        api.need(DNS_EDIT)
        new = body()
        return answer(api.change(number, lambda records, zone: put(records, zone, new)))

    @app.post(f"{ROOT}/zones/<number>/dns_records/batch")
    def _batch(number: str) -> Response:
        api.need(DNS_EDIT)
        return answer(api.batch(number, body()))

    @app.get(f"{ROOT}/zones/<number>/dns_records/<key>")
    def _record(number: str, key: str) -> Response:
        api.need(DNS_READ, DNS_EDIT)
        with api.lock:
            return answer(find(api.zone(number)["records"], key))

    @app.route(f"{ROOT}/zones/<number>/dns_records/<key>", methods=["PUT", "PATCH"])
    def _change(number: str, key: str) -> Response:
        api.need(DNS_EDIT)
        new, way = body(), put if request.method == "PUT" else patch
        return answer(api.change(number, lambda records, zone: way(records, zone, new, key)))

    @app.delete(f"{ROOT}/zones/<number>/dns_records/<key>")
    def _delete(number: str, key: str) -> Response:
        api.need(DNS_EDIT)

        def work(records: Records, zone: str) -> dict[str, str]:
            find(records, key)
            return {"id": records.pop(key)["id"]}

        return answer(api.change(number, work))


def _add_faults(app: Flask, api: Api) -> None:
    """Routes of the lab's own, by which a test spoils the next answers."""

    @app.post("/_lab/faults")
    def _fault() -> Response:
        new = body()
        try:
            fault = Fault(
                status=int(new.get("status", 500)),
                count=int(new.get("count", 1)),
                path=re.compile(new.get("path", "")),
                delay=float(new.get("delay", 0)),
                method=str(new.get("method", "")),
            )
        except (AttributeError, TypeError, ValueError, re.error):
            raise ApiError(400, 1004, "not a fault") from None
        with api.lock:
            api.faults.append(fault)
        return answer({"faults": len(api.faults)})

    @app.delete("/_lab/faults")
    def _heal() -> Response:
        with api.lock:
            api.faults.clear()
        return answer({"faults": 0})


def start(api: Api, host: str, port: int) -> BaseWSGIServer:
    """A threaded server for the double, bound and not yet serving."""
    return make_server(host, port, create_app(api), threaded=True)
