"""What a kind of risk is: a name, and how it is found in a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tools.preview.model import Change, FileDiff, RecordChange, Report
from tools.preview.recipients import Tables


@dataclass(frozen=True)
class Said:
    """One sentence; with a `subject`, a host or a name in DNS, it begins "SUBJECT: "."""

    text: str
    subject: str = ""


@dataclass(frozen=True)
class Look:
    """What the kinds look at.

    `served`: names that have an MX record afterwards, None when that is not known. `rows`: the
    tables of each bundle that is updated, before and after.
    """

    report: Report
    served: set[str] | None = None
    rows: list[tuple[Tables, Tables]] = field(default_factory=list)


@dataclass(frozen=True)
class Kind:
    """A kind of change that stops, loses, misroutes or exposes mail, or locks somebody out.

    `first`: it stops or loses mail as soon as it is applied, and is told above all others.
    """

    name: str
    find: Callable[[Look], Iterable[Said]]
    first: bool = False


def of_records(
    name: str, sentences: Callable[[RecordChange, Look], Iterable[Said]], first: bool = False
) -> Kind:
    """A kind that is found in one DNS record.

    A record of which only the TTL changes is none, and none is a record that becomes again what it
    was before somebody changed it: the drift is told.
    """

    def find(look: Look) -> Iterable[Said]:
        for record in look.report.records:
            if data(record.old) != data(record.new) and not record.restores:
                yield from sentences(record, look)

    return Kind(name, find, first)


def of_changes(
    name: str, sentences: Callable[[Change], Iterable[Said]], first: bool = False
) -> Kind:
    """A kind that is found in the change of one component of a host that stays."""

    def find(look: Look) -> Iterable[Said]:
        for change in look.report.changes:
            if change.host not in look.report.leaving:
                yield from sentences(change)

    return Kind(name, find, first)


def data(line: str | None) -> str:
    """Type and data of a record's line."""
    return (line or "").partition(" IN ")[2]


def kind(line: str | None) -> str:
    """Type of a record's line."""
    return data(line).split(" ")[0]


def text(line: str | None) -> str:
    """The text of a TXT record's line, its strings put together; empty for another type."""
    if kind(line) != "TXT":
        return ""
    return data(line).removeprefix("TXT ").replace('" "', "").strip('"')


def stays(change: Change) -> list[FileDiff]:
    """The files of a component that was there and stays."""
    return [] if change.op in ("create", "delete") else change.files


def gone(file: FileDiff) -> list[str]:
    """The lines that a diff removes."""
    return [line[1:] for line in file.lines if line.startswith("-") and line[1:].strip()]


def came(file: FileDiff) -> list[str]:
    """The lines that a diff adds."""
    return [line[1:] for line in file.lines if line.startswith("+") and line[1:].strip()]
