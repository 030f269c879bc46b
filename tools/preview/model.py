"""What a report says, before it is put into words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from components.protocol.warnings import (
    is_of_records,
    read_edited,
    read_files_not_read,
    read_held,
    read_judged,
    read_not_read,
    read_queue,
    read_unfit,
    read_zones,
)

_NAMED = 4  # so many records have a row of their own


@dataclass(frozen=True)
class Step:
    """One step of the engine's plan; `old` and `new` are the inputs, None where there is none."""

    op: str
    urn: str
    old: dict[str, Any] | None = None
    new: dict[str, Any] | None = None
    custom: bool = True

    @property
    def type(self) -> str:
        """Type token of the resource, without its parents."""
        parts = self.urn.split("::")
        return parts[2].rpartition("$")[2] if len(parts) > 3 else ""

    @property
    def name(self) -> str:
        """Name of the resource."""
        return self.urn.rpartition("::")[2]


@dataclass
class Reading:
    """What could be read of the engine's output."""

    steps: list[Step] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    # URNs of what the DNS API does not have any more.
    gone: list[str] = field(default_factory=list)
    # URN of what a run that was cut off had begun, and the operation: creating, updating, deleting.
    pending: list[tuple[str, str]] = field(default_factory=list)
    # What this reader did not understand; the report says it.
    notes: list[str] = field(default_factory=list)

    @property
    def refreshed(self) -> bool:
        """Tell whether the engine read each record at the DNS API before it planned."""
        return any(step.op == "refresh" for step in self.steps)

    @property
    def told(self) -> list[str]:
        """The warnings, without what the program saw in a list and the engine read since."""
        return [text for text in self.warnings if not (self.refreshed and is_of_records(text))]


@dataclass(frozen=True)
class FileDiff:
    """One file on one host: a unified diff, or only the word that a secret changed."""

    path: str
    section: str
    lines: tuple[str, ...]
    attributes: tuple[str, ...] = ()
    secret: bool = False


@dataclass
class Change:
    """One component on one host, or one other resource, which has no host."""

    op: str
    host: str
    component: str
    why: list[str] = field(default_factory=list)
    files: list[FileDiff] = field(default_factory=list)
    # (verb, unit): start, reload, restart, stop
    units: list[tuple[str, str]] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class RecordChange:
    """A DNS record, before and after, as lines of a zone file (RFC 1035 section 5.1)."""

    name: str
    old: str | None
    new: str | None
    # What of the record does not stand in its line: "proxied", "comment", ...
    other: tuple[str, ...] = ()
    # Somebody changed the record at the API, and this brings back what the stack applied last.
    restores: bool = False
    # Somebody changed the record at the API, or deleted it there.
    drifted: bool = False


@dataclass
class Report:
    """Everything that a report of one stack says."""

    stack: str
    changes: list[Change] = field(default_factory=list)
    records: list[RecordChange] = field(default_factory=list)
    risks: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    # Files of a host without the agent that the first `up` replaces.
    replaced: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    # The name of this plan, for `mx up --plan`; empty when there is none.
    plan: str = ""
    # Whether each record was read at the DNS API before the engine planned.
    refreshed: bool = False
    # Of `mx drift`: what the settings change is left out.
    looks_for: Literal["changes", "drift"] = "changes"
    hosts_read: bool = True
    # The state has nothing of the stack.
    bare: bool = False
    # Options of the engine chose some resources.
    part: bool = False

    @property
    def new_records(self) -> list[RecordChange]:
        """The records that do not only become again what the section on drift shows."""
        return [record for record in self.records if not record.restores]

    @property
    def in_table(self) -> list[Change]:
        """The changes, and the records that become again what the section on drift shows."""
        again = [each for each in self.records if each.restores]
        names = [
            f"{one.name} {(one.new or '').partition(' IN ')[2].split(' ')[0]}" for one in again
        ]
        if len(names) > _NAMED:
            names = [f"{len(names)} records"]
        return [*self.changes, *(Change("update", "DNS", name, ["drift"]) for name in names)]

    def named(self, verdict: str) -> str:
        """The words of a verdict, which are those of a preview, for what the report looks for."""
        if self.looks_for == "changes":
            return verdict
        return verdict.replace("changes", "drift").replace("preview", "drift check")

    @property
    def records_drifted(self) -> bool:
        """Tell whether somebody changed records of the stack at the DNS API."""
        return any(is_of_records(text) for text in self.drift)

    @property
    def unread(self) -> list[str]:
        """Hosts, or `DNS`, whose state is not in the report: they could not be asked."""
        found = (read_not_read(text) for text in self.warnings)
        return list(dict.fromkeys(one[0] for one in found if one))

    def warnings_beside(self, shown: Iterable[str]) -> list[str]:
        """The warnings that no sentence of `shown`, the risks that a reader sees, tells whole."""
        text = "\n".join(shown)
        reads = (read_not_read, read_unfit, read_held, read_queue, read_files_not_read, read_edited)
        left = []
        for warning in self.warnings:
            said = [each[1].rstrip(".") for each in (read(warning) for read in reads) if each]
            said += [words for words in (read_zones(warning), read_judged(warning)) if words]
            if not said or said[0] not in text:
                left.append(warning)
        return left

    @property
    def agreement(self) -> str:
        """The sentence of a report without a change. It promises nothing of a host unread."""
        unread = ", ".join(self.unread)
        if self.looks_for == "drift":
            if unread:
                return f"No drift was found, but {unread} could not be read."
            if self.bare:
                return "Nothing is applied: `mx up` has not run yet, or `mx destroy` has."
            if not self.hosts_read:
                return (
                    "DNS is as the last `mx up` left it. The hosts were not asked, because "
                    "`drift.read` is false in the stack file."
                )
            return "Hosts and DNS are as the last `mx up` left them."
        if unread:
            return f"No change is planned, but {unread} could not be read."
        if self.part:
            return "What the options choose matches the settings. The rest was not compared."
        return "Hosts and DNS match the settings."

    @property
    def healing(self) -> str:
        """The sentence of a report of drift: whether the next `up` repairs what it says."""
        count = len(self.changes) + len(self.records)
        if not count:
            return "The next `mx up` repairs nothing of this."
        them = "component or record" if count == 1 else "components and records"
        return f"The next `mx up` repairs {count} {them}."

    @property
    def leaving(self) -> set[str]:
        """Hosts that leave the stack, with everything on them."""
        return {c.host for c in self.changes if c.op == "delete" and c.component == "agent"}

    @property
    def verdict(self) -> str:
        """One of `failed`, `changes`, `drift` and `nothing`."""
        if self.errors:
            return "failed"
        if self.looks_for == "drift":
            return "drift" if self.drift else "nothing"
        return "changes" if any(self.counts.values()) else "nothing"

    @property
    def exit_code(self) -> int:
        """0 nothing, 1 failed or not known, 2 something changes or drifted (docs/commands.md)."""
        if self.verdict == "failed" or (self.unread and self.verdict != "changes"):
            return 1
        return 0 if self.verdict == "nothing" else 2
