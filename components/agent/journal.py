"""The journal of one change: what undoes it, or finishes it, after the agent was cut off."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .process import Json
from .record import FORMAT, Record, read_state, typed

# The phases of a change, in their order.
COPYING = "copying"  # new files are put beside the old ones; the old state is untouched
SWAPPING = "swapping"  # renames, units, commands, probes: all of which undo takes back
COMMITTED = "committed"  # the change holds; only cleaning up is left


@dataclass(frozen=True)
class UnitState:
    """What systemd says of a unit."""

    enabled: bool
    active: bool
    fixed: bool = False  # static, generated and the like: it cannot be enabled
    masked: str = ""  # "masked", "masked-runtime", or empty


@dataclass(frozen=True)
class Target:
    """A path that changes, and the names beside it; None: there is nothing before, or after."""

    path: str
    new: str | None
    old: str | None


@dataclass
class Journal:
    """One change of one bundle."""

    bundle: str
    targets: list[Target]
    made_dirs: list[str]
    dirs_before: dict[str, list[int]]  # directory to mode, user, group
    originals: list[str]  # paths whose former content this change stores for the first time
    unit_originals: list[str]
    originals_done: list[str]  # paths whose stored content is needed no more once committed
    unit_originals_done: list[str]
    units: dict[str, UnitState]  # as they were before
    restart: list[str]
    daemon_reload: bool
    reload: bool
    record: Record | None  # None: the bundle is removed
    old_dirs: list[tuple[str, list[int] | None]] = field(default_factory=list)
    heirs: dict[str, list[tuple[str, list[int] | None]]] = field(default_factory=dict)
    unlocked: bool = False  # commands are still to run when the change holds
    phase: str = COPYING
    format: int = FORMAT

    @staticmethod
    def read(path: Path) -> Journal:
        """Read the journal of a run that was cut off.

        Raises Failure when a newer agent wrote the journal.
        """
        value = read_state(path)
        journal = typed(Journal, {**value, "format": FORMAT})
        journal.targets = [typed(Target, target) for target in value["targets"]]
        journal.units = {unit: typed(UnitState, each) for unit, each in value["units"].items()}
        record = value["record"]
        journal.record = None if record is None else Record.of(record)
        return journal

    def text(self) -> str:
        """What the journal's file holds."""
        value: Json = asdict(self)
        return json.dumps(value)
