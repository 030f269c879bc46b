"""What a reviewer of a mail change should not miss, in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.preview import recipients
from tools.preview.model import Change, RecordChange, Report
from tools.preview.recipients import Tables

_TIGHT = {
    "smtpd_tls_security_level": ("encrypt",),
    "smtp_tls_security_level": ("encrypt", "dane-only", "verify", "secure", "fingerprint"),
}
_RESTARTS = {
    "postfix.service": "open connections end, senders come again",
    "mariadb.service": "mail that comes meanwhile is deferred",
    "unbound.service": "mail that comes meanwhile may be deferred",
}
_FIRST = re.compile(r"^MX removed|leaves the stack|^Mail for")
_SETTING = re.compile(r"\+(\w+) = (.*)")


def risks(
    report: Report, served: set[str] | None, rows: Iterable[tuple[Tables, Tables]] = ()
) -> list[str]:
    """Risks of a report, without repetition: first what stops mail, then DNS, then hosts.

    `served` are the names that still have an MX record afterwards, None when that is not known.
    `rows`: the tables of each bundle that is updated, before and after.
    """
    found = [*_of_records(report.records, served)]
    unknown = {
        record.name for record in report.records if not record.new and _kind(record.old) == "MX"
    }
    for old, new in rows:
        found += recipients.risks(old, new, unknown)
    leaving = report.leaving
    for change in report.changes:
        found += _of_change(change, leaving)
    told = _merged(dict.fromkeys(found), {change.host for change in report.changes})
    return sorted(told, key=lambda text: _FIRST.search(text) is None)


def _merged(texts: Iterable[str], hosts: set[str]) -> list[str]:
    """What is the same on several hosts is said once."""
    grouped: dict[str, list[str]] = {}
    for text in texts:
        host, colon, rest = text.partition(": ")
        known = bool(colon) and host in hosts
        names = grouped.setdefault(rest if known else text, [])
        names += [host] if known else []
    return [f"{', '.join(names)}: {rest}" if names else rest for rest, names in grouped.items()]


def _of_records(records: list[RecordChange], served: set[str] | None) -> Iterable[str]:
    for record in records:
        old, new = record.old or "", record.new or ""
        if old and new and _data(old) == _data(new):
            continue  # only the TTL
        kind = _kind(old or new)
        if kind == "MX" and not new:
            instead = "" if served is None or record.name in served else "; it has no MX left"
            host = old.split()[-1].rstrip(".")
            yield f"MX removed: {host} gets no more mail of {record.name}{instead}."
        elif kind == "MX" and old and new:
            yield f"MX changed: senders of {record.name} see it after the TTL of the old record."
        elif kind == "TLSA":
            verb = "added" if not old else "removed" if not new else "changed"
            yield (
                f"TLSA {verb} at {record.name}: DANE senders defer mail when no record matches "
                "the certificate that is served."
            )
        elif kind == "TXT" and "_mta-sts." in f"{record.name}." and old != new:
            verb = "announced" if not old else "removed" if not new else "id changed"
            then = (
                "senders fetch the policy again"
                if new
                else "senders go by the policy that they keep until its max_age is over"
            )
            yield f"MTA-STS {verb} at {record.name}: {then}."
        elif kind == "TXT" and "._domainkey." in record.name and not new:
            yield f"DKIM key removed at {record.name}: mail signed with it no longer verifies."
        elif kind in ("A", "AAAA") and not new:
            yield f"Address removed: {record.name} loses {old.split()[-1]}."


def _kind(line: str | None) -> str:
    return (line or "").split(" IN ")[-1].split(" ")[0]


def _data(line: str) -> str:
    return line.partition(" IN ")[2]


def _of_change(change: Change, leaving: set[str]) -> Iterable[str]:
    if change.host in leaving:
        if change.component == "agent":
            yield f"{change.host} leaves the stack: every component is taken off the host."
        return
    if change.op == "delete":
        yield f"{change.host}: {change.component} is taken off the host."
    if change.op == "replace":
        yield f"{change.host}: {change.component} is replaced, not updated."
    if "connection" in change.why:
        yield f"{change.host}: the connection changed, so every bundle there is applied again."
    for verb, unit in change.units:
        if verb == "restart" and unit in _RESTARTS:
            yield f"{change.host}: {unit} restarts; {_RESTARTS[unit]}."
    if change.op in ("create", "delete"):
        return
    for file in change.files:
        gone = [
            line[1:].split()[0] for line in file.lines if line.startswith("-") and line[1:].strip()
        ]
        came = [
            line[1:].split()[0] for line in file.lines if line.startswith("+") and line[1:].strip()
        ]
        if "/schema/" in file.path and file.path.endswith(".sql"):
            name = file.path.rpartition("/")[2]
            yield (
                f"{change.host}: migration {name} runs on a copy, which then takes the tables' "
                f"place; {change.component} cannot be rolled back to before it."
            )
        if file.path == "/etc/mx/certificates.json" and {'"profile":', '"ca":'} & {*came}:
            yield (
                f"{change.host}: all certificates are ordered anew; keys stay, and what is served "
                "stays until the authority has issued."
            )
        if file.path.endswith("/mynetworks.cidr"):
            for network in [name for name in came if name not in gone]:
                yield f"{network} may relay to anywhere."
        if "restrictions" in file.section.lower() and gone:
            yield f"{change.host}: a line leaves {file.section}; read it twice."
        yield from _of_lines(change.host, file.lines)


def _of_lines(host: str, lines: tuple[str, ...]) -> Iterable[str]:
    for line in lines:
        match = _SETTING.fullmatch(line)
        if match and match[2] in _TIGHT.get(match[1], ()):
            yield f"{host}: {match[1]} = {match[2]} turns away peers without matching TLS."
        if re.fullmatch(r"\+mode:\s*enforce", line):
            yield f"{host}: MTA-STS enforce: senders refuse to deliver when TLS does not verify."
