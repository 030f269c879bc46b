"""Risks that the program tells: hosts that were not read, foreign records, drift, adoption."""

from __future__ import annotations

import re
from collections.abc import Iterable

from components.protocol import warnings
from components.protocol.warnings import DNS, Warned, parse
from tools.preview.risk import Kind, Look, Said

_ROWS = re.compile(r"([+-])(\w+) (\S+) ?(.*)")
_UNIT = re.compile(r"(\S+\.(?:service|socket|timer|path)): (not active|not enabled|missing)")
# What a Postfix of others does that this stack does not.
_MORE = {
    "mydestination": "delivers mail on the host itself",
    "virtual_mailbox_domains": "has mailboxes",
    "virtual_transport": "has mailboxes",
    "transport_maps": "has routes of its own",
    "relayhost": "sends through another host",
    "mynetworks": "relays for networks",
    "sender_dependent_relayhost_maps": "sends through other hosts",
}
_SUBMISSION = (["submission"], ["submissions"], ["smtps"], ["587"], ["465"])
_LOCAL = ("localhost", "$myhostname", "localhost.$mydomain")


def _unreached(look: Look) -> Iterable[Said]:
    for warning in look.report.warnings:
        found = warnings.read_not_read(warning)
        if found:
            host, why = found
            yield Said(
                f"the host was not reached or not believed ({why}): an up fails there, and "
                "what the host has now is not in this report.",
                host,
            )


def _unfit(look: Look) -> Iterable[Said]:
    for warning in look.report.warnings:
        found = warnings.read_unfit(warning)
        if found:
            host, why = found
            yield Said(f"the host cannot be set up, and an up does nothing there: {why}", host)


def _held(look: Look) -> Iterable[Said]:
    for warning in look.report.warnings:
        found = warnings.read_held(warning)
        if found:
            yield Said(found[1], found[0])


def _queue(look: Look) -> Iterable[Said]:
    for warning in look.report.warnings:
        found = warnings.read_queue(warning)
        if found:
            yield Said(found[1], found[0])


def _unread_files(look: Look) -> Iterable[Said]:
    for warning in look.report.warnings:
        found = warnings.read_files_not_read(warning)
        if found:
            host, why = found
            yield Said(
                f"the files that an up replaces were not read ({why}) and are not in this report.",
                host,
            )


def _foreign(look: Look) -> Iterable[Said]:
    for warning in look.report.warnings:
        words = warnings.read_zones(warning)
        if words is not None:
            yield Said(words)


def _judged(look: Look) -> Iterable[Said]:
    for warning in look.report.warnings:
        words = warnings.read_judged(warning)
        if words is not None:
            yield Said(f"{words}.")


def _drifted(look: Look) -> Iterable[Warned]:
    return (told for told in map(parse, look.report.drift) if told is not None)


def _anew(look: Look) -> Iterable[Said]:
    for told in _drifted(look):
        if told.host_is_new:
            yield Said(
                "the host is set up anew: its TLS and DKIM keys are new ones, and what was in its "
                "queue is gone.",
                told.host,
            )


def _drift_rows(look: Look) -> Iterable[Said]:
    for told in _drifted(look):
        if told.bundle != "mail-database":
            continue
        for line in told.lines:
            match = _ROWS.fullmatch(line)
            if match:
                verb = "was added by hand" if match[1] == "+" else "was taken out by hand"
                what = " ".join(part for part in match.groups()[1:] if part)
                yield Said(f"{what} {verb}, and mail goes by that until the next up.", told.host)


def _drift_units(look: Look) -> Iterable[Said]:
    for told in _drifted(look):
        for match in _UNIT.finditer(str(told)):
            yield Said(f"{match[1]} is {match[2]} on the host now.", told.host)


def _drift_files(look: Look) -> Iterable[Said]:
    for told in _drifted(look):
        for path in re.findall(r"(/etc/postfix/\S+): (?:content changed|missing)", str(told)):
            yield Said(
                f"{path} was edited by hand; the next up puts back what the stack says.", told.host
            )


def _drift_dns(look: Look) -> Iterable[Said]:
    for told in _drifted(look):
        if told.host == DNS:
            now = [line[1:] for line in told.lines if line.startswith("+")]
            was = [line[1:] for line in told.lines if line.startswith("-")]
            what = f"is now {now[0]}" if now else "is gone"
            yield Said(f"A DNS record was changed by somebody else: {was[0]} {what}.")


def _adopted(look: Look) -> Iterable[Said]:
    for told in map(parse, look.report.replaced):
        if told is None:
            continue
        path = told.what
        does = []
        for line in told.lines:
            name, _, value = line[1:].partition(" = ")
            more = [word for word in re.split(r"[,\s]+", value) if word and word not in _LOCAL]
            if path.endswith("/main.cf") and line.startswith("-") and name in _MORE and more:
                does.append(f"{_MORE[name]} ({name} = {value})")
            service = line[1:].split()[:1]
            if path.endswith("/master.cf") and line.startswith("-") and service in _SUBMISSION:
                does.append(f"takes mail of users ({service[0]})")
        if does:
            yield Said(
                "the Postfix that is there does more than this stack, and that ends: it "
                f"{'; it '.join(dict.fromkeys(does))}.",
                told.host,
            )


KINDS = (
    Kind("others' records at our names", _foreign, first=True),
    Kind("a host is not reached or not believed", _unreached, first=True),
    Kind("the audit warns of the planned Postfix", _judged),
    Kind("mail is queued where a host or domain goes", _queue, first=True),
    Kind("a host cannot be an MX", _unfit, first=True),
    Kind("new MX records are held back, or their host has no good name", _held, first=True),
    Kind("what a host has is not read", _unread_files),
    Kind("a host is set up anew", _anew, first=True),
    Kind("a Postfix that does more is taken over", _adopted, first=True),
    Kind("drift: rows of recipients, aliases, routes", _drift_rows),
    Kind("drift: a service does not run", _drift_units),
    Kind("drift: Postfix was edited", _drift_files),
    Kind("drift: a DNS record", _drift_dns),
)
