"""DNS changes as lines of a zone file (RFC 1035 section 5.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from components.dns.types import api_data, rdata
from tools.preview.model import RecordChange, Step

TYPE = "cloudflare:index/dnsRecord:DnsRecord"
# What the engine prints for a value that only an `up` will know (sdk/python, runtime/rpc.py).
UNKNOWN = "(known after up)"
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_BESIDE = ("proxied", "comment", "tags")
_OTHER = ("zoneId", "proxied", "comment", "tags", "settings")


def line(inputs: dict[str, Any]) -> str:
    """One record; names have their final dot, a TTL of 1 is Cloudflare's "automatic"."""
    kind = str(inputs.get("type", "?"))
    ttl = inputs.get("ttl", "")
    ttl = f"{int(ttl)}" if isinstance(ttl, (int, float)) else str(ttl)
    return " ".join(
        part
        for part in (f"{inputs.get('name', '?')}.", ttl, "IN", kind, _rdata(kind, inputs))
        if part
    )


def with_other(inputs: dict[str, Any], *others: dict[str, Any] | None) -> str:
    """The line of a record, and what of these keys is not the same in all `others`.

    The API answers with an empty value where none was given.
    """
    found = [
        f"{key} {inputs.get(key) or 'none'}"
        for key in _BESIDE
        if len({repr((each or {}).get(key) or None) for each in others if each}) > 1
    ]
    return f"{line(inputs)} ; {', '.join(found)}" if found else line(inputs)


def _rdata(kind: str, inputs: dict[str, Any]) -> str:
    data = inputs.get("data")
    if isinstance(data, dict):
        data = {key: _known(value) for key, value in api_data(data).items()}
    else:
        data = None
    return rdata(kind, _known(inputs.get("content")), data, inputs.get("priority"), final_dot=True)


def _known(value: Any) -> Any:
    return value.replace(_UNKNOWN, UNKNOWN) if isinstance(value, str) else value


def imports(steps: list[Step]) -> list[Step]:
    """The steps, with the two of a record that is imported and read from its host as one.

    What the host tells is not known before `up`, and the engine plans to replace what it imports.
    """
    told = {
        step.urn: step.old
        for step in steps
        if step.type == TYPE and step.old and step.new and UNKNOWN in line(step.new)
    }
    both = {step.urn for step in steps if step.op == "import"} & told.keys()
    return [
        replace(step, old=told[step.urn], new=told[step.urn]) if step.urn in both else step
        for step in steps
        if step.op == "import" or step.urn not in both
    ]


def change(step: Step) -> RecordChange:
    """What becomes of one record."""
    old, new = step.old, step.new
    if step.op == "import" and new:
        taken, how = line(new), "as it is" if old is None else "if its host has this key"
        return RecordChange(str(new.get("name", "")), taken, taken, (f"taken over {how}",))
    if step.op == "create":
        old = None
    if step.op == "delete":
        new = None
    other = tuple(
        f"{key} {old.get(key)} → {new.get(key)}"
        for key in _OTHER
        # An imported record has nothing where ours says no.
        if old is not None and new is not None and (old.get(key) or None) != (new.get(key) or None)
    )
    name = str((new or old or {}).get("name", ""))
    return RecordChange(name, line(old) if old else None, line(new) if new else None, other)


def is_read_again(record: RecordChange) -> bool:
    """Whether a record that nobody changed gets what its host tells during `up`."""
    return bool(record.old) and not record.drifted and UNKNOWN in (record.new or "")
