"""The double's state, kept in a file, and what each request does to it."""

from __future__ import annotations

import contextlib
import hmac
import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import request

from .errors import ApiError
from .knot import Knot, dnssec_keys
from .records import Records, find, now, patch, put

RATE_WINDOW = 300


@dataclass
class Fault:
    """Answers to spoil: how many, which, and how."""

    status: int
    count: int
    path: re.Pattern[str]
    delay: float
    method: str = ""
    """The method of the requests, or empty for all."""


@dataclass
class Api:
    """The double's state, kept in a file, and what each request does to it."""

    state: Path
    zones: dict[str, str]
    tokens: dict[str, frozenset[str]]
    knot: Knot | None = None
    rate: int = 1200
    faults: list[Fault] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    calls: dict[str, deque[float]] = field(default_factory=dict)
    served: dict[str, Records] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the file, add new zones, serve what the file holds."""
        if self.state.is_dir():
            self.state = self.state / "state.json"
        if self.state.exists():
            self.data = json.loads(self.state.read_text())
        for name, number in self.zones.items():
            empty = {"name": name, "created_on": now(), "records": {}, "dnssec": {}}
            zone = self.data.setdefault(number, empty)
            # A server that is not ready is no reason to refuse to start: the next change of the
            # zone serves all of it.
            with contextlib.suppress(ApiError):
                self.serve(number, name, zone["records"])
        self.save()

    def save(self) -> None:
        """Write the file, whole or not at all."""
        self.state.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.state.with_name(self.state.name + ".new")
        # Without indent, which json writes in Python: with thousands of records that is felt.
        temporary.write_text(json.dumps(self.data))
        temporary.replace(self.state)

    def zone(self, number: str) -> dict[str, Any]:
        """The zone of that id."""
        if not re.fullmatch(r"[0-9a-f]{32}", number):
            message = f"Could not route to /zones/{number}, perhaps your object identifier"
            raise ApiError(404, 7003, f"{message} is invalid?")
        if number not in self.zones.values():
            raise ApiError(403, 9109, "Unauthorized to access requested resource")
        found: dict[str, Any] = self.data[number]
        return found

    def serve(self, number: str, name: str, records: Records) -> None:
        """Bring the served zone to these records."""
        if self.knot:
            self.knot.apply(name, self.served.get(number, {}), records)
            self.served[number] = records

    def change(self, number: str, work: Callable[[Records, str], Any]) -> Any:
        """Do the work on a copy of the zone's records, serve them, then keep them."""
        with self.lock:
            zone = self.zone(number)
            records = dict(zone["records"])
            result = work(records, zone["name"])
            self.serve(number, zone["name"], records)
            zone["records"] = records
            self.save()
        return result

    def batch(self, number: str, body: Any) -> dict[str, Any]:
        """Deletes, patches, puts and posts, all or none."""
        if not isinstance(body, Mapping):
            raise ApiError(400, 9207, "Request body is invalid.")

        def work(records: Records, zone: str) -> dict[str, Any]:
            result: dict[str, Any] = {}
            for kind in ("deletes", "patches", "puts", "posts"):
                result[kind] = []
                for item in body.get(kind) or []:
                    wanted = item.get("id", "")
                    if kind == "deletes":
                        find(records, wanted)
                        made = records.pop(wanted)
                    elif kind == "patches":
                        made = patch(records, zone, item, wanted)
                    else:
                        made = put(records, zone, item, wanted if kind == "puts" else None)
                    result[kind].append(made)
            return result

        done: dict[str, Any] = self.change(number, work)
        return done

    def delegated(self, name: str, state: Mapping[str, Any]) -> bool:
        """Whether the zone's parent has its DS record; without a server none ever has."""
        return self.knot is not None and self.knot.delegates(name, state["key_tag"])

    def dnssec(self, number: str, method: str, body: Any) -> Any:
        """Tell, switch or forget the zone's DNSSEC; it is pending until the parent has the DS.

        Source: https://developers.cloudflare.com/dns/dnssec/dnssec-states/
        """
        with self.lock:
            zone = self.zone(number)
            current = zone["dnssec"] or {"status": "disabled"}
            if method == "GET":
                # Cloudflare looks at the parent zone from time to time, the double when asked.
                if current["status"] == "pending" and self.delegated(zone["name"], current):
                    current = zone["dnssec"] = {**current, "status": "active", "modified_on": now()}
                    self.save()
                return current
            if method == "DELETE":
                zone["dnssec"] = {}
                self.save()
                return ""
            status = body.get("status") if isinstance(body, Mapping) else None
            if status not in ("active", "disabled"):
                raise ApiError(400, 1004, "DNSSEC status must be active or disabled.")
            if "digest" not in current:
                served = self.knot.keys(zone["name"]) if self.knot else None
                current = {**dnssec_keys(zone["name"], served), "status": "disabled"}
            # A zone that is active already is not asked for again.
            if status == "disabled" or current["status"] != "active":
                current["status"] = "pending" if status == "active" else "disabled"
            zone["dnssec"] = {**current, "modified_on": now()}
            self.save()
            return zone["dnssec"]

    def token(self) -> str:
        """The request's token, if it is one of ours."""
        header = request.headers.get("Authorization")
        if header is None:
            message = "Missing X-Auth-Key, X-Auth-Email or Authorization headers"
            raise ApiError(400, 9106, message)
        kind, _, given = header.partition(" ")
        if kind.lower() != "bearer" or not given.strip():
            raise ApiError(400, 6003, "Invalid request headers")
        for known in self.tokens:
            if hmac.compare_digest(known.encode(), given.strip().encode()):
                return known
        if request.path.endswith("/user/tokens/verify"):
            raise ApiError(401, 1000, "Invalid API Token")
        raise ApiError(403, 9109, "Invalid access token")

    def limit(self, token: str) -> None:
        """Refuse more requests than the token has in the window."""
        with self.lock:
            calls, moment = self.calls.setdefault(token, deque()), time.monotonic()
            while calls and calls[0] <= moment - RATE_WINDOW:
                calls.popleft()
            if len(calls) >= self.rate:
                wait = int(calls[0] + RATE_WINDOW - moment) + 1 if calls else RATE_WINDOW
                message = "Please wait and consider throttling your request speed"
                raise ApiError(429, 971, message, {"Retry-After": str(wait)})
            calls.append(moment)

    def need(self, *scopes: str) -> None:
        """Refuse a token that has none of the scopes."""
        if not self.tokens[self.token()] & set(scopes):
            raise ApiError(403, 10000, "Authentication error")

    def spoil(self) -> None:
        """Answer with a fault, if one is set for this request."""
        with self.lock:
            fault = next(
                (
                    item
                    for item in self.faults
                    if item.count
                    and item.path.search(request.path)
                    and item.method in ("", request.method)
                ),
                None,
            )
            if fault is None:
                return
            fault.count -= 1
        time.sleep(fault.delay)
        if fault.status == 429:
            message = "Please wait and consider throttling your request speed"
            raise ApiError(429, 971, message, {"Retry-After": "1"})
        if fault.status == 403:
            raise ApiError(403, 10000, "Authentication error")
        if fault.status >= 400:
            raise ApiError(fault.status, 10013, "An unknown error has occurred")
