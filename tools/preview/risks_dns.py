"""Risks of changed DNS records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from tools.preview.model import RecordChange
from tools.preview.records import UNKNOWN
from tools.preview.risk import Kind, Look, Said, data, kind, of_records, text

_POLICY = re.compile(r"\bp\s*=\s*(none|quarantine|reject)\b", re.IGNORECASE)
_STRENGTH = {"": 0, "none": 0, "quarantine": 1, "reject": 2}
_ZONE = "zoneId "
_ACCOUNT = re.compile(r'\baccounturi\s*=\s*([^\s;"]+)', re.IGNORECASE)


def _null(line: str | None) -> bool:
    return data(line) == "MX 0 ."


def _mx_removed(record: RecordChange, look: Look) -> Iterable[Said]:
    if kind(record.old) == "MX" and not record.new and not _null(record.old):
        served = look.served
        last = served is not None and record.name not in served
        host = data(record.old).split()[-1].rstrip(".")
        ttl = (record.old or "").split()[1]
        within = f"{ttl} seconds, the TTL of the record" if ttl.isdigit() else "its TTL"
        left = " No other MX record of this stack is left." if last else ""
        yield Said(
            f"The MX record of {record.name} for {host} is removed. Senders stop using the host "
            f"within {within}.{left}"
        )


def _mx_changed(record: RecordChange, look: Look) -> Iterable[Said]:
    if kind(record.old) == kind(record.new) == "MX" and not _null(record.old):
        old, new = (data(line)[3:].removesuffix(".") for line in (record.old, record.new))
        yield Said(
            f"The MX record of {record.name} changes from {old} to {new}. Senders may use the old "
            "record until its TTL ends."
        )


def _null_goes(record: RecordChange, look: Look) -> Iterable[Said]:
    if _null(record.old) and not _null(record.new):
        if look.served is None or record.name in look.served or record.new:
            yield Said(f"The null MX record of {record.name} is removed: the domain accepts mail.")
        else:
            yield Said(
                f"The null MX record of {record.name} is removed, and no other MX record is left: "
                "senders try the A and AAAA records of that name."
            )


def _null_comes(record: RecordChange, look: Look) -> Iterable[Said]:
    if _null(record.new) and not _null(record.old):
        yield Said("a null MX record is added: nobody can send mail to this domain.", record.name)


def _tlsa(record: RecordChange, look: Look) -> Iterable[Said]:
    host = record.name.split(".", 2)[-1]
    if "TLSA" in (kind(record.old), kind(record.new)) and not _gone_host(host, look):
        verb = "added" if not record.old else "removed" if not record.new else "changed"
        yield Said(
            f"a TLSA record is {verb}. Senders that use DANE defer mail while no TLSA record "
            "matches the certificate of the host.",
            record.name,
        )


def _sts(record: RecordChange, look: Look) -> Iterable[Said]:
    if record.name.startswith("_mta-sts.") and (text(record.old) or text(record.new)):
        if not record.old:
            said = "MTA-STS is announced. Senders start to follow the policy."
        elif record.new:
            said = "the id of the MTA-STS policy changes. Senders fetch the policy again."
        else:
            said = (
                "the MTA-STS record is removed. Senders follow the policy in their cache until "
                "its max_age ends."
            )
        yield Said(said, record.name.removeprefix("_mta-sts."))


def _key(line: str | None) -> str:
    """The public key of a DKIM record; a revoked one has none (RFC 6376 section 3.6.1)."""
    match = re.search(r"(?:^|;)\s*p\s*=\s*([^;]*)", text(line))
    return "".join(match[1].split()) if match else ""


def _dkim(record: RecordChange, look: Look) -> Iterable[Said]:
    old, new = _key(record.old), _key(record.new)
    if "._domainkey." in record.name and old and UNKNOWN in (record.new or ""):
        if record.name.partition(".")[0] in look.report.unread:
            return  # that the host was not read is told, and nothing changes on it
        yield Said(
            f"The DKIM key at {record.name} is read from its host during `up`. If the host has "
            "another key by then, the signature of mail that was signed with the former key no "
            "longer verifies."
        )
    elif "._domainkey." in record.name and old and old != new:
        verb = "changed" if new else "revoked" if record.new else "removed"
        by = "the former key" if new else "this key"
        yield Said(
            f"The DKIM key at {record.name} is {verb}. The signature of mail that was signed with "
            f"{by} no longer verifies."
        )


def _address_removed(record: RecordChange, look: Look) -> Iterable[Said]:
    if kind(record.old) in ("A", "AAAA") and not record.new:
        yield Said(f"The address {data(record.old).split()[-1]} of {record.name} is removed.")


def _address_changed(record: RecordChange, look: Look) -> Iterable[Said]:
    if kind(record.old) in ("A", "AAAA") and record.new:
        old, new = (data(line).split()[-1] for line in (record.old, record.new))
        yield Said(
            f"The address of {record.name} changes from {old} to {new}. Clients may use the old "
            "address until the TTL of its record ends."
        )


def _spf(record: RecordChange, look: Look) -> Iterable[Said]:
    old, new = (_terms(line) for line in (record.old, record.new))
    if new and "-all" in new and "-all" not in old and not _new_host(record, look):
        yield Said(
            "the SPF record now ends in -all. Receivers may refuse mail from this domain when it "
            "comes from a server that the record does not name.",
            record.name,
        )
    gone = [term for term in old if term not in new and not term.endswith("all")]
    if new and gone:
        yield Said(
            f"the SPF record no longer has {', '.join(gone)}. Mail from this domain may fail SPF "
            "when it comes from there.",
            record.name,
        )
    if old and not new and not _gone_host(record.name, look):
        yield Said(
            "the SPF record is removed. Receivers can no longer see in DNS which servers may send "
            "mail from this domain.",
            record.name,
        )


def _new_host(record: RecordChange, look: Look) -> bool:
    """Whether the name gets its first records now, an address among them: it sent no mail."""
    beside = [each for each in look.report.records if each.name == record.name]
    return all(each.old is None for each in beside) and any(
        kind(each.new) in ("A", "AAAA") for each in beside
    )


def _gone_host(name: str, look: Look) -> bool:
    """Whether the name loses all records of the plan, an address among them, and no MX record."""
    kinds = {kind(each.old) for each in look.report.records if each.name == name}
    stay = any(each.new for each in look.report.records if each.name == name)
    return not stay and bool(kinds & {"A", "AAAA"}) and "MX" not in kinds


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
        yield Said(
            f"the DMARC policy becomes {now}{f', and was {was}' if was else ''}. It asks receivers "
            f"to {now} mail from this domain that passes neither SPF nor DKIM for this domain.",
            name,
        )
    if _STRENGTH[now] < _STRENGTH[was]:
        yield Said(
            (
                f"the DMARC policy becomes {now}, and was {was}. "
                if now
                else f"the DMARC policy is removed, and was {was}. "
            )
            + (
                "Receivers may put forged mail from this domain into the spam folder instead of "
                "refusing it."
                if now == "quarantine"
                else "Receivers may deliver forged mail from this domain."
            ),
            name,
        )


def _caa(record: RecordChange, look: Look) -> Iterable[Said]:
    words = data(record.new).split(" ", 3)
    if words[0] == "CAA" and words[2] == "issue":
        authority = words[3].strip('"').partition(";")[0].strip() or "no authority"
        yield Said(
            f"a CAA record allows {authority} to issue certificates. An authority that no CAA "
            "record allows must refuse.",
            record.name,
        )


def _caa_account(record: RecordChange, look: Look) -> Iterable[Said]:
    old, new = (_ACCOUNT.search(data(line)) for line in (record.old, record.new))
    if new and (old is None or old[1] != new[1]):
        yield Said(
            f"the CAA record allows only the account {new[1]} to get certificates. A host that is "
            "set up anew has another account. It gets no certificate until dns.caa.accountUri is "
            "that account or is removed.",
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
        what = "DNS record moves" if count == 1 else "DNS records move"
        yield Said(f"{count} {what} from the zone with the ID {old} to the zone with the ID {new}.")


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
    of_records("CAA names one account", _caa_account),
)
