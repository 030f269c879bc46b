"""Risks of changed DNS records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from tools.preview.model import RecordChange
from tools.preview.risk import Kind, Look, Said, data, kind, of_records, text

_POLICY = re.compile(r"\bp\s*=\s*(none|quarantine|reject)\b", re.IGNORECASE)
_STRENGTH = {"": 0, "none": 0, "quarantine": 1, "reject": 2}
_ZONE = "zoneId "


def _null(line: str | None) -> bool:
    return data(line) == "MX 0 ."


def _mx_removed(record: RecordChange, look: Look) -> Iterable[Said]:
    if kind(record.old) == "MX" and not record.new and not _null(record.old):
        served = look.served
        instead = "" if served is None or record.name in served else "; it has no MX left"
        host = data(record.old).split()[-1].rstrip(".")
        yield Said(f"MX removed: {host} gets no more mail of {record.name}{instead}.")


def _mx_changed(record: RecordChange, look: Look) -> Iterable[Said]:
    if kind(record.old) == kind(record.new) == "MX" and not _null(record.old):
        yield Said(f"MX changed: senders of {record.name} see it after the TTL of the old record.")


def _null_goes(record: RecordChange, look: Look) -> Iterable[Said]:
    if _null(record.old) and not _null(record.new):
        if look.served is None or record.name in look.served or record.new:
            yield Said(f"{record.name} takes mail from now on: its null MX goes.")
        else:
            yield Said(
                f"{record.name} no longer says that it takes no mail: its null MX goes, and "
                "senders try the address of that name."
            )


def _null_comes(record: RecordChange, look: Look) -> Iterable[Said]:
    if _null(record.new) and not _null(record.old):
        yield Said("a null MX comes, so that nobody can send mail there.", record.name)


def _tlsa(record: RecordChange, look: Look) -> Iterable[Said]:
    if "TLSA" in (kind(record.old), kind(record.new)):
        verb = "added" if not record.old else "removed" if not record.new else "changed"
        yield Said(
            f"TLSA {verb} at {record.name}: DANE senders defer mail when no record matches "
            "the certificate that is served."
        )


def _sts(record: RecordChange, look: Look) -> Iterable[Said]:
    if record.name.startswith("_mta-sts.") and (text(record.old) or text(record.new)):
        verb = "announced" if not record.old else "removed" if not record.new else "id changed"
        then = (
            "senders fetch the policy again"
            if record.new
            else "senders go by the policy that they keep until its max_age is over"
        )
        yield Said(f"MTA-STS {verb} at {record.name}: {then}.")


def _key(line: str | None) -> str:
    """The public key of a DKIM record; a revoked one has none (RFC 6376 section 3.6.1)."""
    match = re.search(r"(?:^|;)\s*p\s*=\s*([^;]*)", text(line))
    return "".join(match[1].split()) if match else ""


def _dkim(record: RecordChange, look: Look) -> Iterable[Said]:
    old, new = _key(record.old), _key(record.new)
    if "._domainkey." in record.name and old and old != new:
        verb = "changed" if new else "revoked" if record.new else "removed"
        by = "with the former key" if new else "with it"
        yield Said(f"DKIM key {verb} at {record.name}: mail signed {by} no longer verifies.")


def _address_removed(record: RecordChange, look: Look) -> Iterable[Said]:
    if kind(record.old) in ("A", "AAAA") and not record.new:
        yield Said(f"Address removed: {record.name} loses {data(record.old).split()[-1]}.")


def _address_changed(record: RecordChange, look: Look) -> Iterable[Said]:
    if kind(record.old) in ("A", "AAAA") and record.new:
        old, new = (data(line).split()[-1] for line in (record.old, record.new))
        yield Said(
            f"Address changed: {record.name} is at {new} and no longer at {old}; senders that "
            "know the former one use it for a TTL more."
        )


def _spf(record: RecordChange, look: Look) -> Iterable[Said]:
    old, new = (_terms(line) for line in (record.old, record.new))
    if new and "-all" in new and "-all" not in old:
        yield Said(
            "SPF ends in -all from now on: receivers may refuse mail of this domain that comes "
            "from a server which the record does not name.",
            record.name,
        )
    gone = [term for term in old if term not in new and not term.endswith("all")]
    if new and gone:
        yield Said(
            f"SPF no longer names {', '.join(gone)}: mail of this domain from there fails.",
            record.name,
        )
    if old and not new:
        yield Said("SPF goes: anybody may send in the name of this domain.", record.name)


def _terms(line: str | None) -> list[str]:
    terms = text(line).split()
    return terms[1:] if terms[:1] == ["v=spf1"] else []


def _dmarc(record: RecordChange, look: Look) -> Iterable[Said]:
    if not record.name.startswith("_dmarc."):
        return
    old, new = (_POLICY.search(text(line)) for line in (record.old, record.new))
    was, now = (match[1].lower() if match else "" for match in (old, new))
    name = record.name.removeprefix("_dmarc.")
    if _STRENGTH[now] > _STRENGTH[was]:
        verb = {"quarantine": "put into the spam folder", "reject": "refuse"}[now]
        yield Said(
            f"DMARC asks for {now}{f' and not {was}' if was else ''}: receivers {verb} mail of "
            "this domain that passes neither SPF nor DKIM.",
            name,
        )
    if _STRENGTH[now] < _STRENGTH[was]:
        yield Said(
            f"DMARC asks for {now or 'nothing'} and not {was}: forged mail of this domain is "
            "delivered.",
            name,
        )


def _caa(record: RecordChange, look: Look) -> Iterable[Said]:
    words = data(record.new).split(" ", 3)
    if words[0] == "CAA" and words[2] == "issue":
        authority = words[3].strip('"').partition(";")[0].strip() or "nobody"
        yield Said(
            f"{authority} may issue certificates; an authority that no CAA record names refuses.",
            record.name,
        )


def _moves(look: Look) -> Iterable[Said]:
    moves = Counter(
        note.removeprefix(_ZONE)
        for record in look.report.records
        for note in record.other
        if note.startswith(_ZONE)
    )
    for way, count in moves.items():
        old, _, new = way.partition(" → ")
        what = "DNS record leaves" if count == 1 else "DNS records leave"
        yield Said(f"{count} {what} the zone with the ID {old} for the zone with the ID {new}.")


KINDS = (
    of_records("an MX record is removed", _mx_removed, first=True),
    of_records("a null MX comes", _null_comes, first=True),
    Kind("records move to another zone", _moves, first=True),
    of_records("an MX record is changed", _mx_changed),
    of_records("a null MX goes", _null_goes),
    of_records("an address is removed", _address_removed),
    of_records("an address is changed", _address_changed),
    of_records("SPF is tightened or goes", _spf),
    of_records("DMARC is tightened or loosened", _dmarc),
    of_records("a DKIM key goes", _dkim),
    of_records("a TLSA record changes", _tlsa),
    of_records("MTA-STS is announced, changed or removed", _sts),
    of_records("CAA names the authorities", _caa),
)
