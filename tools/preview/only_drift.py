"""A report of what somebody changed by hand, without what the settings change."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from components.protocol.warnings import is_of_updates
from tools.preview.files import AGAIN, DRIFT
from tools.preview.model import Change, Report
from tools.preview.records import is_read_again
from tools.preview.risks import risks

_PENDING = (
    "There are changes that are not applied yet, for example of the stack file. They are not in "
    "this report: `mx preview` shows them."
)


def only_drift(report: Report, hosts_read: bool = True) -> Report:
    """The same report with drift alone, and with a note when the settings change something, too.

    hosts_read: whether the program asks the hosts (`drift.read` of the stack file).
    """
    changes = [_healed(change) for change in report.changes if DRIFT in change.why]
    records = [each for each in report.records if each.drifted]
    found = Report(
        report.stack,
        changes=changes,
        records=records,
        drift=report.drift,
        errors=report.errors,
        warnings=[text for text in report.warnings if not is_of_updates(text)],
        notes=list(report.notes),
        counts=dict(Counter([*(each.op for each in changes), *["update"] * len(records)])),
        refreshed=report.refreshed,
        looks_for="drift",
        hosts_read=hosts_read,
        bare=report.bare,
    )
    # What follows from a repair is no change of its own.
    follows = sum(change.why == [AGAIN] for change in report.changes)
    follows += sum(is_read_again(record) for record in report.records if record not in records)
    # Of a stack that nothing is applied of, the sentence above the report says enough.
    if not report.bare and sum(report.counts.values()) > len(changes) + len(records) + follows:
        found.notes.append(_PENDING)
    found.risks = risks(found, None)
    return found


def _healed(change: Change) -> Change:
    """The part of a change that is there for the drift."""
    return replace(change, why=[DRIFT], files=[], packages=[])
