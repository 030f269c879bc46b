"""What the API makes of a request's record, and a zone's records one by one."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer

from components.dns.types import TYPES

from .errors import ApiError

PROXIABLE = frozenset({"A", "AAAA", "CNAME"})
DATA_FIELDS = {name: each.fields for name, each in TYPES.items() if each.fields}
HOSTS = frozenset(name for name, each in TYPES.items() if each.is_name and not each.fields)
WITH_PRIORITY = frozenset(
    name for name, each in TYPES.items() if each.priority or "priority" in each.fields
)
AUTOMATIC_TTL = 300
TXT_LIMIT = 2048
Records = dict[str, dict[str, Any]]


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
    words = [str(data[key]) for key in DATA_FIELDS[kind] if key != "priority"]
    if TYPES[kind].quoted:
        words[-1] = f'"{words[-1]}"'
    return " ".join(words)


def rdata(record: Mapping[str, Any]) -> str:
    """The record's data as a zone file writes it."""
    kind, content = record["type"], str(record["content"])
    if TYPES[kind].is_name:
        content = content.rstrip(".") + "."
    return f"{record['priority']} {content}" if kind in WITH_PRIORITY else content


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
    if kind in WITH_PRIORITY:
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
