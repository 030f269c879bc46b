"""Puts a report together from what was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from components.protocol import warnings
from components.protocol.calls import QUEUES, SIGNING, host_of_agent
from components.protocol.warnings import DNS, DRIFT, REPLACES, Warned
from tools.preview import files, recipients, records
from tools.preview.digest import digest
from tools.preview.model import Change, Reading, RecordChange, Report, Step
from tools.preview.read import changing
from tools.preview.risks import risks

COMMAND = "command:remote:Command"
_LOCAL = "command:local:Command"


def build(stack: str, reading: Reading) -> Report:
    """The report of one stack. A reading with errors gives a failed report."""
    report = Report(stack, errors=list(reading.errors), notes=list(reading.notes))
    report.drift = [text for text in reading.told if warnings.parse(text, [DRIFT])]
    report.replaced = [text for text in reading.told if warnings.parse(text, [REPLACES])]
    told = {*report.drift, *report.replaced}
    report.warnings = warnings.together(text for text in reading.told if text not in told)
    report.warnings += [*_gone(reading), *_pending(stack, reading)]
    if report.errors:  # whoever reads them has no eye for updates
        report.warnings = [text for text in report.warnings if not warnings.is_of_updates(text)]
    report.refreshed = reading.refreshed
    report.bare = not any(step.old for step in reading.steps)
    refreshed = _before_refresh(reading)
    report.drift += _record_drift(reading, refreshed)
    agents = [host_of_agent(step.name) for step in reading.steps if step.type == COMMAND]
    hosts = {host for host in agents if host is not None}
    steps = records.imports(changing(reading))
    had = files.packages_of(reading.steps, hosts)
    report.counts = dict(Counter(step.op for step in steps))
    for step in steps:
        if step.type == records.TYPE:
            report.records.append(_record(step, refreshed))
        elif step.type == COMMAND:
            report.changes.append(files.change(step, hosts, had, report.drift))
        else:
            report.changes.append(_other(step))
    moved = {change.host for change in report.changes if "connection" in change.why}
    for change in report.changes:
        if change.why == [files.HIDDEN] and change.host in moved:
            change.why = ["connection, perhaps a secret"]  # the engine shows neither of the two
    report.changes.sort(key=lambda change: (change.host, change.component))
    report.records.sort(key=lambda record: (record.name, record.new or record.old or ""))
    report.risks = risks(report, _served(reading), rows_of(steps))
    report.plan = "" if report.errors else digest(reading)
    return report


def _gone(reading: Reading) -> Iterable[str]:
    """What the DNS API does not have any more and `up` does not make again; the rest is drift."""
    for urn in reading.gone:
        steps = [step for step in reading.steps if step.urn == urn]
        before = next((step.old for step in steps if step.old), None)
        name = urn.rpartition("::")[2]
        what = f"{name} ({records.line(before)})" if before else name
        if not any(step.op in ("create", "import") for step in steps):
            yield f"DNS: {what} was deleted at the API; `up` removes it from the state."


def _pending(stack: str, reading: Reading) -> Iterable[str]:
    """What a run that was cut off had begun."""
    if reading.pending:
        names = ", ".join(f"{op} {urn.rpartition('::')[2]}" for urn, op in reading.pending)
        yield (
            f"A run of {stack} was cut off in the middle of: {names}. `mx up` reads the present "
            "state of the hosts and records, and continues from there."
        )


def rows_of(steps: Iterable[Step]) -> Iterable[tuple[recipients.Tables, recipients.Tables]]:
    """The database's rows before and after each change of a bundle that stays."""
    for step in steps:
        if step.type == COMMAND and step.op not in ("create", "delete"):
            old, new = (files.manifest_of(inputs) or {} for inputs in (step.old, step.new))
            yield recipients.tables(old), recipients.tables(new)


def _before_refresh(reading: Reading) -> dict[str, dict[str, Any]]:
    """By URN, the records of the state; only a preview with --refresh asks the API for them."""
    return {
        step.urn: step.old
        for step in reading.steps
        if step.op == "refresh" and step.type == records.TYPE and step.old
    }


def _record(step: Step, before: Mapping[str, dict[str, Any]]) -> RecordChange:
    """What becomes of a record, and whether it only becomes again what the state has."""
    was, new = before.get(step.urn), step.new
    again = (
        bool(was and new)
        and len({records.with_other(each, was, new) for each in (was, new) if each}) == 1
    )
    drifted = was is not None and bool(_edited(was, step.old))
    return replace(records.change(step), restores=again, drifted=drifted)


def _record_drift(reading: Reading, before: Mapping[str, dict[str, Any]]) -> list[str]:
    """Records that the API has otherwise than the state."""
    told = []
    for step in reading.steps:
        if step.op == "refresh" or step.urn not in before:
            continue
        # What the refresh found is what the next step begins with; a lost record has nothing.
        if lines := _edited(before[step.urn], step.old):
            told.append(str(Warned(DRIFT, DNS, lines=lines)))
    return told


def _edited(was: dict[str, Any], now: dict[str, Any] | None) -> tuple[str, ...]:
    """A record of the state and what the API has, as lines of a diff; empty when they agree."""
    before, there = (records.with_other(each, was, now) if each else "" for each in (was, now))
    return () if before == there else (f"-{before}", *([f"+{there}"] if there else []))


def _served(reading: Reading) -> set[str] | None:
    """Names that have an MX record after this change; None when unchanged steps are not listed."""
    if not any(step.op == "same" and step.custom for step in reading.steps):
        return None
    return {
        str(step.new.get("name"))
        for step in reading.steps
        if step.type == records.TYPE and step.op != "delete" and step.new
        if step.new.get("type") == "MX"
    }


def _other(step: Step) -> Change:
    """A resource that is neither a bundle nor a record.

    Of a program of MX the inputs say nothing to a reader; of others the changed ones are named.
    """
    name, why = f"{step.type.rpartition(':')[2] or step.type} {step.name}", ""
    if (step.type, step.name) == (_LOCAL, QUEUES):
        # Whatever happens to it, a host does not notice.
        why = "looks for queued mail before `mx destroy`; nothing changes on a host"
        return Change(step.op, "", "queue check", [why])
    if step.type == _LOCAL and step.name.startswith(SIGNING):
        name = f"DNSSEC of {step.name.removeprefix(SIGNING)}"
        why = "the login at the DNS API, or the program that signs; the zone stays signed"
    change = Change(step.op, "", name)
    if step.op in files.WORDS or why:
        change.why = [files.WORDS.get(step.op, why)]
        return change
    old, new = step.old or {}, step.new or {}
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            secret = files.SECRET in (old.get(key), new.get(key))
            change.why.append(f"{key} changed" if secret else f"{key}: {new.get(key)}")
    return change
