"""A double of Cloudflare's API for DNS, which serves what it is told through a local Knot DNS.

One file on its own: the lab copies it to a host that has Debian's Flask and dnspython only.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hmac
import json
import re
import secrets
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dns.dnssec
import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, make_server

from components.dns.types import TYPES

ZONE_READ, DNS_READ, DNS_EDIT = "Zone:Read", "DNS:Read", "DNS:Edit"
SCOPES = frozenset({ZONE_READ, DNS_READ, DNS_EDIT})
PROXIABLE = frozenset({"A", "AAAA", "CNAME"})
DATA_FIELDS = {name: each.fields for name, each in TYPES.items() if each.fields}
HOSTS = frozenset(name for name, each in TYPES.items() if each.is_name and not each.fields)
AUTOMATIC_TTL = 300
TXT_LIMIT = 2048
RATE_WINDOW = 300
ACCOUNT = {"id": "01a7362d577a6c3019a474fd6f485823", "name": "lab"}
Records = dict[str, dict[str, Any]]


class ApiError(Exception):
    """An answer that is an error: an HTTP status, Cloudflare's code and text."""

    def __init__(
        self, status: int, code: int, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = dict(headers or {})


def now() -> str:
    """The time as the API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def full_name(name: Any, zone: str) -> str:
    """The name in lower case without its dot, below the zone."""
    if not isinstance(name, str) or not name.strip():
        raise ApiError(400, 9000, "DNS name is invalid.")
    text = name.strip().lower()
    absolute = text.endswith(".")
    text = text.rstrip(".")
    if text in ("@", ""):
        text = zone
    inside = text == zone or text.endswith(f".{zone}")
    if not inside and absolute:
        raise ApiError(400, 9000, f"DNS name is invalid: it is not in the zone {zone}.")
    if not inside:
        text = f"{text}.{zone}"
    try:
        dns.name.from_text(text)
    except dns.exception.DNSException:
        raise ApiError(400, 9000, "DNS name is invalid.") from None
    return text


def txt_content(content: str) -> str:
    """The text in quotes, in strings of 255 bytes at most."""
    parts: list[bytes] = []
    if content.startswith('"'):
        tokens = dns.tokenizer.Tokenizer(content)
        while True:
            token = tokens.get()
            if token.is_eol_or_eof():
                break
            parts.append(token.unescape_to_bytes().value)
    else:
        parts.append(content.encode())
    if sum(map(len, parts)) > TXT_LIMIT:
        raise ApiError(400, 9005, "Content for TXT record exceeds the limit of 2048 characters.")
    chunks = [part[at : at + 255] for part in parts for at in range(0, len(part) or 1, 255)]
    return " ".join(f'"{_escape(chunk)}"' for chunk in chunks)


def _escape(chunk: bytes) -> str:
    text = ""
    for byte in chunk:
        if byte in b'"\\':
            text += "\\" + chr(byte)
        elif 0x20 <= byte < 0x7F:
            text += chr(byte)
        else:
            text += f"\\{byte:03d}"
    return text


def data_of(kind: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """The record's ``data``: as sent, or read from its ``content``."""
    fields = DATA_FIELDS[kind]
    given = record.get("data")
    if not isinstance(given, Mapping):
        words = str(record.get("content") or "").split(None, len(fields) - 1)
        if len(words) == len(fields) - 1 and kind == "SRV":
            words.insert(0, str(record.get("priority", 0)))
        given = dict(zip(fields, (word.strip('"') for word in words), strict=False))
    data: dict[str, Any] = {}
    for key in fields:
        value = given.get(key)
        if value is None:
            raise ApiError(400, 9101, f"{key} is a required data field.")
        if key in TYPES[kind].numbers:
            try:
                value = int(value)
            except (TypeError, ValueError):
                raise ApiError(400, 9005, f"{key} must be a number.") from None
        data[key] = value
    upper = TYPES[kind].upper
    if upper is not None:
        data[upper] = str(data[upper]).upper()
    if kind == "SRV":
        data["target"] = host_name(data["target"])
    return data


def host_name(name: Any) -> str:
    """A target in lower case without its dot; the root stays a dot."""
    return str(name).strip().lower().rstrip(".") or "."


def content_of(kind: str, data: Mapping[str, Any]) -> str:
    """The ``content`` that the API computes from ``data``."""
    if kind == "CAA":
        return f'{data["flags"]} {data["tag"]} "{data["value"]}"'
    fields = DATA_FIELDS[kind]
    return " ".join(str(data[key]) for key in fields if (kind, key) != ("SRV", "priority"))


def rdata(record: Mapping[str, Any]) -> str:
    """The record's data as a zone file writes it."""
    kind, content = record["type"], str(record["content"])
    if kind in HOSTS or kind == "SRV":
        content = content.rstrip(".") + "."
    return f"{record['priority']} {content}" if kind in ("MX", "SRV") else content


def check_ttl(ttl: Any) -> int:
    """One for automatic, else a minute to a day."""
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or ttl != int(ttl):
        raise ApiError(400, 9021, "Invalid TTL. Must be a number.")
    if ttl != 1 and not 60 <= ttl <= 86400:
        message = "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic."
        raise ApiError(400, 9021, message)
    return int(ttl)


def normalise(zone: str, body: Any, old: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The record that the API makes of a request's body."""
    if not isinstance(body, Mapping):
        raise ApiError(400, 9207, "Request body is invalid.")
    kind = str(body.get("type") or "").upper()
    if kind not in TYPES:
        raise ApiError(400, 9004, f"DNS record type {kind or 'of the request'} is invalid.")
    name = full_name(body.get("name"), zone)
    record: dict[str, Any] = {"id": old["id"] if old else secrets.token_hex(16), "name": name}
    priority = body.get("priority")
    data = None
    content: Any
    if kind in DATA_FIELDS:
        data = data_of(kind, body)
        content = content_of(kind, data)
        priority = data.get("priority")
    else:
        content = body.get("content")
        if not isinstance(content, str) or not content.strip():
            raise ApiError(400, 9005, f"Content for {kind} record is invalid.")
        content = content.strip()
    if kind in HOSTS:
        content = host_name(content)
    if kind == "MX" and (isinstance(priority, bool) or not isinstance(priority, int | float)):
        raise ApiError(400, 9100, "priority is a required field for MX records.")
    proxied = bool(body.get("proxied", False))
    if proxied and kind not in PROXIABLE:
        raise ApiError(400, 9004, "This record type cannot be proxied.")
    try:
        if kind == "TXT":
            content = txt_content(content)
        text = rdata({"type": kind, "content": content, "priority": int(priority or 0)})
        parsed = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(kind), text)
    except (dns.exception.DNSException, ValueError):
        raise ApiError(400, 9005, f"Content for {kind} record is invalid.") from None
    if kind in ("A", "AAAA"):
        content = parsed.to_text()
    stamp = now()
    record |= {
        "type": kind,
        "content": content,
        "proxiable": kind in PROXIABLE,
        "proxied": proxied,
        "ttl": 1 if proxied else check_ttl(body.get("ttl", 1)),
        "settings": body.get("settings") or {},
        "meta": {},
        "comment": body.get("comment"),
        "tags": body.get("tags") or [],
        "created_on": old["created_on"] if old else stamp,
        "modified_on": stamp,
    }
    if kind in ("MX", "SRV"):
        record["priority"] = int(priority or 0)
    if data is not None:
        record["data"] = data
    return record


def check_conflicts(records: Records, record: Mapping[str, Any]) -> None:
    """Refuse a record that is there, and a CNAME beside anything else."""
    same = [
        other
        for key, other in records.items()
        if key != record["id"] and other["name"] == record["name"]
    ]
    for other in same:
        if other["type"] == record["type"] and rdata(other) == rdata(record):
            raise ApiError(400, 81058, "An identical record already exists.")
    if same and record["type"] == "CNAME":
        hosts = any(other["type"] in PROXIABLE for other in same)
        if hosts:
            message = "An A, AAAA, or CNAME record with that host already exists."
            raise ApiError(400, 81053, message)
        raise ApiError(400, 81053, "A record with that host already exists.")
    if any(other["type"] == "CNAME" for other in same):
        raise ApiError(400, 81054, "A CNAME record with that host already exists.")


def find(records: Records, number: Any) -> dict[str, Any]:
    """The record of that id."""
    record = records.get(str(number))
    if record is None:
        raise ApiError(404, 81044, "Record does not exist.")
    return record


def put(records: Records, zone: str, body: Any, number: str | None = None) -> dict[str, Any]:
    """Make a record, or replace one."""
    record = normalise(zone, body, None if number is None else find(records, number))
    check_conflicts(records, record)
    records[record["id"]] = record
    return record


def patch(records: Records, zone: str, body: Any, number: str) -> dict[str, Any]:
    """Change some fields of a record."""
    old = find(records, number)
    if not isinstance(body, Mapping):
        raise ApiError(400, 9207, "Request body is invalid.")
    merged = {**old, **body}
    if "content" in body and "data" not in body:
        merged.pop("data", None)
    return put(records, zone, merged, number)


class Knot:
    """The zones of a local Knot DNS, changed through its control tool."""

    HARMLESS = re.compile(r"already exists|no such (record|node)|such record", re.IGNORECASE)

    def __init__(self, knotc: str = "knotc", keymgr: str = "keymgr") -> None:
        self._knotc, self._keymgr = knotc, keymgr

    def _run(self, *words: str) -> tuple[bool, str]:
        try:
            done = subprocess.run([self._knotc, *words], capture_output=True, text=True, timeout=30)
        except (OSError, subprocess.TimeoutExpired) as error:
            return False, str(error)
        return done.returncode == 0, (done.stderr + done.stdout).strip()

    def _must(self, *words: str, harmless: bool = False) -> None:
        done, text = self._run(*words)
        if not done and not (harmless and self.HARMLESS.search(text)):
            raise ApiError(400, 1004, f"DNS Validation Error: {' '.join(words)}: {text}")

    def apply(self, zone: str, old: Records, new: Records) -> None:
        """Bring the zone from the old records to the new ones, all or nothing."""
        # A record that changed is another object.
        changes = [
            record
            for one, other in ((old, new), (new, old))
            for key, record in one.items()
            if other.get(key) is not record
        ]
        names = {record["name"] for record in changes}
        before, after = _sets(old, names), _sets(new, names)
        changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        if not changed:
            return
        if not self._run("zone-begin", zone)[0]:
            self._run("zone-abort", zone)
            self._must("zone-begin", zone)
        try:
            for owner, kind in changed:
                for _, data in before.get((owner, kind), ()):
                    self._must("zone-unset", zone, f"{owner}.", kind, data, harmless=True)
            for owner, kind in changed:
                for ttl, data in after.get((owner, kind), ()):
                    self._must("zone-set", zone, f"{owner}.", str(ttl), kind, data, harmless=True)
            self._must("zone-commit", zone)
        except ApiError:
            self._run("zone-abort", zone)
            raise

    def delegates(self, zone: str, tag: int) -> bool:
        """Whether the parent zone, which this Knot serves too, has a DS record of that key tag."""
        parent = dns.name.from_text(zone).parent().to_text()
        done, text = self._run("zone-read", parent, f"{zone}.", "DS")
        return done and re.search(rf" DS {tag} ", text) is not None

    def keys(self, zone: str) -> tuple[str, str] | None:
        """The zone's DS and DNSKEY in presentation form, if Knot signs it."""
        found = []
        for word, wanted in (("ds", r"DS \d+ \d+ 2 \S+"), ("dnskey", r"DNSKEY 257 \d+ \d+ .+")):
            try:
                done = subprocess.run(
                    [self._keymgr, zone, word], capture_output=True, text=True, timeout=30
                )
            except (OSError, subprocess.TimeoutExpired):
                return None
            match = re.search(wanted, done.stdout)
            if match is None:
                return None
            found.append(match[0].split(" ", 1)[1])
        return found[0], found[1]


def _sets(records: Records, names: Container[str]) -> dict[tuple[str, str], list[tuple[int, str]]]:
    """The record sets of these names: by name and type the lowest TTL with each one's data."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in records.values():
        if record["name"] in names:
            groups.setdefault((record["name"], record["type"]), []).append(record)
    result = {}
    for key, group in groups.items():
        ttl = min(AUTOMATIC_TTL if item["ttl"] == 1 else item["ttl"] for item in group)
        result[key] = sorted((ttl, rdata(item)) for item in group)
    return result


def dnssec_keys(zone: str, served: tuple[str, str] | None) -> dict[str, Any]:
    """What the API tells of a signed zone: Knot's key, else an invented one."""
    if served is None:
        text = base64.b64encode(secrets.token_bytes(64)).decode()
        dnskey = f"257 3 13 {text}"
    else:
        dnskey = served[1]
    key = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.DNSKEY, dnskey)
    made = dns.dnssec.make_ds(dns.name.from_text(zone), key, "SHA256").to_text()
    tag, algorithm, kind, digest = (served[0] if served else made).split(None, 3)
    digest = digest.replace(" ", "").upper()
    names = {"13": "ECDSAP256SHA256", "15": "ED25519", "8": "RSASHA256", "14": "ECDSAP384SHA384"}
    return {
        "flags": 257,
        "algorithm": algorithm,
        "key_type": names.get(algorithm, algorithm),
        "digest_type": kind,
        "digest_algorithm": "SHA256",
        "digest": digest,
        "ds": f"{zone}. 3600 IN DS {tag} {algorithm} {kind} {digest}",
        "key_tag": int(tag),
        "public_key": "".join(dnskey.split()[3:]),
    }


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


def create_app(api: Api) -> Flask:
    """The double as a Flask application."""
    app = Flask("cloudflare_api")
    root = "/client/v4"

    @app.before_request
    def _before() -> None:
        if request.path.startswith(root):
            api.spoil()
            api.limit(api.token())

    @app.errorhandler(ApiError)
    def _failure(error: ApiError) -> Response:
        return failure(error)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        return failure(ApiError(error.code or 500, 7000, "No route for that URI"))

    def body() -> Any:
        parsed = request.get_json(force=True, silent=True)
        if parsed is None:
            raise ApiError(400, 9207, "Request body is invalid.")
        return parsed

    @app.get(f"{root}/user/tokens/verify")
    def _verify() -> Response:
        number = secrets.token_hex(16)
        return answer({"id": number, "status": "active"})

    @app.get(f"{root}/zones")
    def _zones() -> Response:
        api.need(ZONE_READ)
        name = request.args.get("name") or request.args.get("name.exact")
        names = [(key, number) for key, number in api.zones.items() if name in (None, key)]
        return page([zone_json(number, api.data[number]) for _, number in names], 20)

    @app.get(f"{root}/zones/<number>")
    def _zone(number: str) -> Response:
        api.need(ZONE_READ)
        return answer(zone_json(number, api.zone(number)))

    @app.get(f"{root}/zones/<number>/dns_records")
    def _records(number: str) -> Response:
        api.need(DNS_READ, DNS_EDIT)
        with api.lock:
            found = wanted(api.zone(number)["records"].values())
        return page(found, 100)

    @app.post(f"{root}/zones/<number>/dns_records")
    def _post(number: str) -> Response:
        api.need(DNS_EDIT)
        new = body()
        return answer(api.change(number, lambda records, zone: put(records, zone, new)))

    @app.post(f"{root}/zones/<number>/dns_records/batch")
    def _batch(number: str) -> Response:
        api.need(DNS_EDIT)
        return answer(api.batch(number, body()))

    @app.get(f"{root}/zones/<number>/dns_records/<key>")
    def _record(number: str, key: str) -> Response:
        api.need(DNS_READ, DNS_EDIT)
        with api.lock:
            return answer(find(api.zone(number)["records"], key))

    @app.route(f"{root}/zones/<number>/dns_records/<key>", methods=["PUT", "PATCH"])
    def _change(number: str, key: str) -> Response:
        api.need(DNS_EDIT)
        new, way = body(), put if request.method == "PUT" else patch
        return answer(api.change(number, lambda records, zone: way(records, zone, new, key)))

    @app.delete(f"{root}/zones/<number>/dns_records/<key>")
    def _delete(number: str, key: str) -> Response:
        api.need(DNS_EDIT)

        def work(records: Records, zone: str) -> dict[str, str]:
            find(records, key)
            return {"id": records.pop(key)["id"]}

        return answer(api.change(number, work))

    @app.route(f"{root}/zones/<number>/dnssec", methods=["GET", "PATCH", "DELETE"])
    def _dnssec(number: str) -> Response:
        reads = request.method == "GET"
        api.need(*((DNS_READ, DNS_EDIT) if reads else (DNS_EDIT,)))
        new = body() if request.method == "PATCH" else None
        return answer(api.dnssec(number, request.method, new))

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

    return app


def start(api: Api, host: str, port: int) -> BaseWSGIServer:
    """A threaded server for the double, bound and not yet serving."""
    return make_server(host, port, create_app(api), threaded=True)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Double of Cloudflare's API for DNS")
    parser.add_argument("--listen", required=True, metavar="ADDR:PORT")
    parser.add_argument("--state", required=True, type=Path, help="file, or its directory")
    parser.add_argument("--token", required=True, action="append", metavar="TOKEN[:SCOPE,...]")
    parser.add_argument("--zone", required=True, action="append", metavar="NAME=ID")
    parser.add_argument("--knot", action="store_true", help="serve through knotc")
    parser.add_argument("--rate", type=int, default=1200, help="requests of a token in 5 minutes")
    options = parser.parse_args(arguments)
    options.tokens = {}
    for item in options.token:
        token, _, scopes = item.partition(":")
        chosen = frozenset(scopes.split(",")) if scopes else SCOPES
        if not chosen <= SCOPES:
            parser.error(f"unknown scope in --token: {', '.join(sorted(chosen - SCOPES))}")
        options.tokens[token] = chosen
    options.zones = {}
    for item in options.zone:
        name, separator, number = item.partition("=")
        if not separator or not re.fullmatch(r"[0-9a-f]{32}", number):
            parser.error(f"--zone {item}: not NAME=ID with an id of 32 hexadecimal digits")
        options.zones[name.lower().rstrip(".")] = number
    return options


def main() -> None:
    """Serve until ended."""
    options = parse()
    knot = Knot() if options.knot else None
    api = Api(options.state, options.zones, options.tokens, knot, options.rate)
    host, _, port = options.listen.rpartition(":")
    start(api, host.strip("[]"), int(port)).serve_forever()


if __name__ == "__main__":
    main()
