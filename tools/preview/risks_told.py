"""Risks that the program tells: hosts that were not read, foreign records, drift, adoption."""

from __future__ import annotations

import re
from collections.abc import Iterable

from components.protocol import warnings
from components.protocol.warnings import DNS, Warned, parse
from tools.preview.risk import Kind, Look, Said, kind
from tools.preview.units import UNIT

_ROWS = re.compile(r"([+-])(\w+) (\S+) ?(.*)")
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
            host, why = found[0], found[1].rstrip(".")
            if host == DNS:
                yield Said(f"MX could not read the DNS records ({why}).")
                continue
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
    for told in _drifted(look):
        for match in UNIT.finditer(str(told)):
            yield Said(f"{match[1]} is {match[2]} on the host now.", told.host)


def _drift_undone(look: Look) -> Iterable[Said]:
    for told in _drifted(look):
        text = str(told)
        if "rolled back by hand at" in text:
            yield Said(
                f"{told.bundle} was rolled back by hand. `mx up` applies the stack file again: "
                "correct there what was rolled back.",
                told.host,
            )
        if "a change failed at " in text:
            yield Said(
                f"the last change of {told.bundle} failed and was undone. `mx up` tries the stack "
                "file again.",
                told.host,
            )


def _drift_files(look: Look) -> Iterable[Said]:
    for told in _drifted(look):
        for path, how in re.findall(r"(/etc/postfix/\S+): (content changed|missing)", str(told)):
            verb = "removed" if how == "missing" else "edited"
            yield Said(f"somebody {verb} {path}. The next `mx up` restores the file.", told.host)


def _drift_dns(look: Look) -> Iterable[Said]:
    for told in _drifted(look):
        if told.host == DNS:
            if told.what:  # the records were listed, but not read one by one
                yield Said("Somebody else changed DNS records of this stack.")
                continue
            verb = "changed" if any(line.startswith("+") for line in told.lines) else "removed"
            for line in told.lines:
                if line.startswith("-"):
                    name = line[1:].partition(". ")[0]
                    yield Said(
                        f"somebody else {verb} the DNS record. The section on drift shows it.",
                        f"{name} {kind(line)}",
                    )


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
    Kind("drift: a rollback, or a change that was undone", _drift_undone, first=True),
    Kind("drift: a DNS record", _drift_dns),
)
