"""A change of one bundle, worked out and staged, before anything on the host is touched."""

from __future__ import annotations

from dataclasses import dataclass, field

from .files import Want
from .journal import UnitState
from .process import Json
from .record import Record


@dataclass(frozen=True)
class Change:
    """What `apply`, `rollback` and `remove` hand to the transaction."""

    manifest: Json
    old: Record  # what is applied now; empty when nothing is
    others: dict[str, Record]  # the other bundles of the host
    record: Record | None  # None: the bundle is removed
    wants: dict[str, Want]  # each path and what shall be there
    leaving: set[str]  # paths that the bundle gives up
    prior: dict[str, UnitState]  # the manifest's units before its packages were installed
    joined: bool = False  # a user has joined a group
    # Probes that failed before the change, and their words.
    failing: dict[str, str] = field(default_factory=dict)

    @property
    def unlocked(self) -> list[Json]:
        """The commands that run when the change holds, while other bundles may be changed.

        Of a bundle that is new here these are the first `unlocked` one and all after it.
        """
        steps: list[Json] = self.manifest["run"]
        if self.old.sha:
            return []
        first = next((n for n, step in enumerate(steps) if step.get("unlocked")), len(steps))
        return steps[first:]

    @property
    def _taken(self) -> set[str]:
        records = [*self.others.values(), *([self.record] if self.record else [])]
        return {unit for record in records for unit in record.units}

    @property
    def leaving_units(self) -> list[str]:
        """Units of the bundle that no bundle has any more."""
        return [unit for unit in self.old.units if unit not in self._taken]

    @property
    def shared_units(self) -> list[str]:
        """Units that this bundle gives up and another one keeps."""
        mine = self.manifest["units"]
        return [unit for unit in self.old.units if unit in self._taken and unit not in mine]
