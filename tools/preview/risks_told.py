"""Risks that the program tells: hosts that were not read, foreign records, drift, adoption."""

from __future__ import annotations

import re
from collections.abc import Iterable

from components.protocol import warnings
from components.protocol.warnings import DNS, parse
from tools.preview.risk import Kind, Look, Said

_LOGIN = re.compile(r"^\S+@\S+: (?=Permission denied)")
# What a Postfix of others does that this stack does not.
_MORE = {
    "mydestination": "local delivery",
    "virtual_mailbox_domains": "mailboxes",
    "virtual_transport": "mailboxes",
    "transport_maps": "routes to other hosts",
    "relayhost": "sending through another host",
    "mynetworks": "relaying for networks",
    "sender_dependent_relayhost_maps": "sending through other hosts",
}
_SUBMISSION = (["submission"], ["submissions"], ["smtps"], ["587"], ["465"])
_LOCAL = ("localhost", "$myhostname", "localhost.$mydomain")


def _unreached(look: Look) -> Iterable[Said]:
    for warning in look.report.warnings:
        found = warnings.read_not_read(warning)
        if found:
            # Without the login, which differs, hosts with the same reason share a sentence.
            host, why = found[0], _LOGIN.sub("", found[1].rstrip("."))
            if host == DNS:
                yield Said(f"MX could not read the DNS records ({why}).")
                continue
            if "Permission denied" in why:
                why += ": the ssh-agent has no key that the host accepts, or none runs here"
            yield Said(
                f"MX could not read the state of the host ({why}). Until it can, "
                "`mx up` fails there. This report does not show what the host has now. "
                "`mx check` says what to do.",
                host,
            )


def _unfit(look: Look) -> Iterable[Said]:
    for warning in look.report.warnings:
        found = warnings.read_unfit(warning)
        if found:
            host, why = found
            yield Said(
                f"the host lacks what an MX host needs, so `mx up` changes nothing there: {why}",
                host,
            )


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
            host, why = found[0], found[1].rstrip(".")
            yield Said(
                f"MX could not read the files that `mx up` will replace ({why}). This report "
                "does not show their present content.",
                host,
            )


def _foreign(look: Look) -> Iterable[Said]:
    report = look.report
    if report.looks_for == "drift" or not any(report.counts.values()):
        return  # nothing is decided by this report: the section on warnings has what lasts
    for warning in look.report.warnings:
        words = warnings.read_zones(warning)
        if words is not None:
            yield Said(words)


def _judged(look: Look) -> Iterable[Said]:
    for warning in look.report.warnings:
        words = warnings.read_judged(warning)
        if words is not None:
            yield Said(f"{words}.")


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
                does.append(f"taking mail from users ({service[0]})")
        if does:
            yield Said(
                "the Postfix that runs there now does more than MX sets up: "
                f"{'; '.join(dict.fromkeys(does))}. `mx up` replaces its configuration, and what "
                "the stack file does not ask for ends.",
                told.host,
            )


KINDS = (
    Kind("a host is not reached or not believed", _unreached, first=True),
    Kind("the audit warns of the planned Postfix", _judged),
    Kind("mail is queued where a host or domain goes", _queue, first=True),
    Kind("a host cannot be an MX", _unfit, first=True),
    Kind("new MX records are held back, or their host has no good name", _held, first=True),
    Kind("what a host has is not read", _unread_files),
    Kind("others' records at our names", _foreign),
    Kind("a Postfix that does more is taken over", _adopted, first=True),
)
