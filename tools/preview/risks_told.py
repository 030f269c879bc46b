"""Risks that the program tells: hosts that were not read, foreign records, drift, adoption."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.preview.risk import Kind, Look, Said

# How components/host/drift.py, its adoption.py and components/stack/zones.py begin their warnings.
_UNREAD = re.compile(r"drift of (\S+) was not read: (.*)")
_UNREAD_FILES = re.compile(r"what (\S+) has now was not read: (.*)")
_ZONES = "zones: "
_GONE = re.compile(r"drift: (\S+): agent: it is gone")
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
        match = _UNREAD.match(warning)
        if match:
            yield Said(
                f"the host was not reached or not believed ({match[2]}): an up fails there, and "
                "what the host has now is not in this report.",
                match[1],
            )


def _unread_files(look: Look) -> Iterable[Said]:
    for warning in look.report.warnings:
        match = _UNREAD_FILES.match(warning)
        if match:
            yield Said(
                f"the files that an up replaces were not read ({match[2]}) and are not in this "
                "report.",
                match[1],
            )


def _foreign(look: Look) -> Iterable[Said]:
    for warning in look.report.warnings:
        if warning.startswith(_ZONES):
            yield Said(warning.removeprefix(_ZONES))


def _anew(look: Look) -> Iterable[Said]:
    for text in look.report.drift:
        match = _GONE.match(text)
        if match:
            yield Said(
                "the host is set up anew: its TLS and DKIM keys are new ones, and what was in its "
                "queue is gone.",
                match[1],
            )


def _drift_rows(look: Look) -> Iterable[Said]:
    for text in look.report.drift:
        first, _, rest = text.partition("\n")
        if "mail-database" not in first:
            continue
        host = first.removeprefix("drift: ").partition(":")[0]
        for line in rest.split("\n"):
            match = _ROWS.fullmatch(line)
            if match:
                verb = "was added by hand" if match[1] == "+" else "was taken out by hand"
                what = " ".join(part for part in match.groups()[1:] if part)
                yield Said(f"{what} {verb}, and mail goes by that until the next up.", host)


def _drift_units(look: Look) -> Iterable[Said]:
    for text in look.report.drift:
        host = text.removeprefix("drift: ").partition(":")[0]
        for match in _UNIT.finditer(text):
            yield Said(f"{match[1]} is {match[2]} on the host now.", host)


def _drift_files(look: Look) -> Iterable[Said]:
    for text in look.report.drift:
        host = text.removeprefix("drift: ").partition(":")[0]
        for path in re.findall(r"(/etc/postfix/\S+): (?:content changed|missing)", text):
            yield Said(
                f"{path} was edited by hand; the next up puts back what the stack says.", host
            )


def _drift_dns(look: Look) -> Iterable[Said]:
    for text in look.report.drift:
        lines = text.split("\n")
        if lines[0].startswith("drift: DNS"):
            now = [line[1:] for line in lines[1:] if line.startswith("+")]
            was = [line[1:] for line in lines[1:] if line.startswith("-")]
            what = f"is now {now[0]}" if now else "is gone"
            yield Said(f"A DNS record was changed by somebody else: {was[0]} {what}.")


def _adopted(look: Look) -> Iterable[Said]:
    for text in look.report.replaced:
        first, _, rest = text.partition("\n")
        host, _, path = first.removeprefix("replaces: ").partition(": ")
        does = []
        for line in rest.split("\n"):
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
                host,
            )


KINDS = (
    Kind("others' records at our names", _foreign, first=True),
    Kind("a host is not reached or not believed", _unreached, first=True),
    Kind("what a host has is not read", _unread_files),
    Kind("a host is set up anew", _anew, first=True),
    Kind("a Postfix that does more is taken over", _adopted, first=True),
    Kind("drift: rows of recipients, aliases, routes", _drift_rows),
    Kind("drift: a service does not run", _drift_units),
    Kind("drift: Postfix was edited", _drift_files),
    Kind("drift: a DNS record", _drift_dns),
)
