"""Risks of what somebody changed by hand: on hosts that the agent reads, and in DNS."""

from __future__ import annotations

import re
from collections.abc import Iterable

from components.protocol import warnings
from components.protocol.warnings import DNS, Warned, parse
from tools.preview.risk import Kind, Look, Said, kind, text
from tools.preview.units import UNIT

_MODE = re.compile(r"(/\S+): mode ([0-7]{4}), not ([0-7]{4})")
# What follows for mail (docs/operating.md, "What happens when something is down").
_DOWN = {
    "mariadb.service": "Postfix answers 451, and senders try again",
    "nginx.service": "senders cannot fetch the MTA-STS policy",
    "postfix.service": "the host takes no mail, and senders use the other MX hosts",
    "redis-server.service": "Postfix answers 451, and senders try again",
    "rspamd.service": "Postfix answers 4xx, and senders try again",
    "unbound.service": "Postfix answers 451, and queued mail waits",
}
_POLICIES = {
    "v=spf1": "SPF",
    "v=DMARC1": "DMARC",
    "v=DKIM1": "DKIM",
    "v=STSv1": "MTA-STS",
    "v=TLSRPTv1": "TLSRPT",
}
_MISSING = re.compile(r"([a-z0-9][a-z0-9+.-]+): not installed")
_VALUE = 120  # so many characters of a changed policy
_ROWS = re.compile(r"([+-])(\w+) (\S+) ?(.*)")


def _edited(look: Look) -> Iterable[Said]:
    for warning in look.report.warnings:
        found = warnings.read_edited(warning)
        if found:
            yield Said(f"somebody edited Postfix. {found[1]}. `mx up` restores the file.", found[0])


def _drifted(look: Look) -> Iterable[Warned]:
    return (told for told in map(parse, look.report.drift) if told is not None)


def _anew(look: Look) -> Iterable[Said]:
    for told in _drifted(look):
        if told.host_is_new:
            yield Said(
                "the agent of MX is missing, so `mx up` sets the whole host up again. If the host "
                "was installed anew, it makes new TLS and DKIM keys, and the mail in its former "
                "queue is lost.",
                told.host,
            )


def _drift_rows(look: Look) -> Iterable[Said]:
    for told in _drifted(look):
        if told.bundle != "mail-database":
            continue
        for line in told.lines:
            match = _ROWS.fullmatch(line)
            if match:
                verb = "added" if match[1] == "+" else "removed"
                table, *values = (part for part in match.groups()[1:] if part)
                yield Said(
                    f'somebody {verb} the {table} row "{" ".join(values)}" in the database. '
                    "Postfix uses the changed table until the next `mx up`.",
                    told.host,
                )


def _drift_units(look: Look) -> Iterable[Said]:
    missing: dict[str, list[str]] = {}
    for told in _drifted(look):
        missing.setdefault(told.host, []).extend(_MISSING.findall(str(told)))
    for told in _drifted(look):
        for match in UNIT.finditer(str(told)):
            unit, state, since = match.groups()
            words = f"{unit} is {state} on the host{since or ' now'}"
            if state == "not active":
                words += f": {_DOWN[unit]}" if unit in _DOWN else ""
                begin = unit.partition(".")[0]
                if gone := [each for each in missing[told.host] if each.startswith(begin)]:
                    words += f". The package {gone[0]} is missing: `mx up` installs it again"
                else:
                    at_once = f"mx run {look.report.stack} {told.host} systemctl start {unit}"
                    words += f". `mx up` starts it; at once does `{at_once}`"
            yield Said(f"{words}.", told.host)


def _drift_rules(look: Look) -> Iterable[Said]:
    for told in _drifted(look):
        if told.bundle == "firewall" and "rules in the kernel: differs" in str(told):
            gone = any(line.startswith("-table ") for line in told.lines)
            what = (
                "the firewall rules of MX are gone from the kernel"
                if gone
                else ("somebody changed the firewall rules in the kernel")
            )
            yield Said(f"{what}. `mx up` loads those of the stack file again.", told.host)


def _drift_modes(look: Look) -> Iterable[Said]:
    for told in _drifted(look):
        for path, now, wanted in _MODE.findall(str(told)):
            if int(now, 8) & 0o004 and not int(wanted, 8) & 0o004:
                yield Said(
                    f"every user of the host can read {path} (mode {now}, not {wanted}). `mx up` "
                    "closes it. If strangers have a login there, replace what is in it.",
                    told.host,
                )


def _drift_undone(look: Look) -> Iterable[Said]:
    for told in _drifted(look):
        words = str(told)
        if "rolled back by hand at" in words:
            yield Said(
                f"{told.bundle} was rolled back by hand. `mx up` applies the stack file again: "
                "correct there what was rolled back.",
                told.host,
            )
        if "a change failed at " in words:
            yield Said(
                f"the last change of {told.bundle} failed and was undone. `mx up` tries the stack "
                "file again.",
                told.host,
            )


def _drift_files(look: Look) -> Iterable[Said]:
    edited = [found for found in map(warnings.read_edited, look.report.warnings) if found]
    for told in _drifted(look):
        for path, how in re.findall(r"(/etc/postfix/\S+): (content changed|missing)", str(told)):
            if any(host == told.host and f" {path}: " in words for host, words in edited):
                continue  # what is dangerous in it is told
            verb = "removed" if how == "missing" else "edited"
            yield Said(f"somebody {verb} {path}. The next `mx up` restores the file.", told.host)


def _drift_dns(look: Look) -> Iterable[Said]:
    for told in _drifted(look):
        if told.host != DNS:
            continue
        if told.what:  # the records were listed, but not read one by one
            yield Said("Somebody else changed DNS records of this stack.")
            continue
        verb = "changed" if any(line.startswith("+") for line in told.lines) else "removed"
        now = next((text(line) for line in told.lines if line.startswith("+")), "")
        value = f"It is now: {now[:_VALUE]}" if now else "The section on drift shows it"
        if _for_all(now):
            value += ". Everybody may send in the name of the domain"
        for line in told.lines:
            if line.startswith("-"):
                yield Said(
                    f"somebody else {verb} the DNS record. {value}.",
                    f"{line[1:].partition('. ')[0]} {_policy(line)}",
                )


def _for_all(policy: str) -> bool:
    """Whether an SPF record lets everybody send (RFC 7208 section 5.1)."""
    words = policy.lower().split()
    return words[:1] == ["v=spf1"] and bool({"+all", "all"} & {*words})


def _policy(line: str) -> str:
    """The type of a record, or the policy that a TXT record is for."""
    begin = re.split(r"[;\s]", text(line), maxsplit=1)[0]
    return _POLICIES.get(begin, kind(line))


KINDS = (
    Kind("drift: Postfix is dangerous as somebody edited it", _edited, first=True),
    Kind("a host is set up anew", _anew, first=True),
    Kind("drift: rows of recipients, aliases, routes", _drift_rows),
    Kind("drift: a service does not run", _drift_units),
    Kind("drift: the firewall", _drift_rules),
    Kind("drift: a file can be read by everybody", _drift_modes),
    Kind("drift: Postfix was edited", _drift_files),
    Kind("drift: a rollback, or a change that was undone", _drift_undone, first=True),
    Kind("drift: a DNS record", _drift_dns),
)
