"""What a reviewer of a mail change should not miss, in plain words: the table of all kinds."""

from __future__ import annotations

from collections.abc import Iterable

from tools.preview import (
    risks_dns,
    risks_drift,
    risks_filter,
    risks_host,
    risks_postfix,
    risks_told,
)
from tools.preview.model import Report
from tools.preview.recipients import Tables
from tools.preview.risk import Kind, Look

_NAMED = 6

# tests/unit/tools/preview/test_risks.py has a preview for each.
KINDS: tuple[Kind, ...] = (
    *risks_told.KINDS,
    *risks_drift.KINDS,
    *risks_dns.KINDS,
    *risks_postfix.KINDS,
    *risks_host.KINDS,
    *risks_filter.KINDS,
)


def risks(
    report: Report, served: set[str] | None, rows: Iterable[tuple[Tables, Tables]] = ()
) -> list[str]:
    """Risks of a report, without repetition: first what stops mail, then the others.

    `served` and `rows` are those of `Look`. What is the same for several subjects is said once.
    """
    look, told = Look(report, served, list(rows)), []
    for each in sorted(KINDS, key=lambda each: not each.first):
        grouped: dict[str, dict[str, None]] = {}
        for said in each.find(look):
            grouped.setdefault(said.text, {})[said.subject] = None
        for text, subjects in grouped.items():
            names = _names([subject for subject in subjects if subject])
            told.append(f"{names}: {text}" if names else text)
    return list(dict.fromkeys(told))


def _names(names: list[str]) -> str:
    if len(names) <= _NAMED + 1:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
