"""systemd units: their state, starting, stopping, masking while packages are installed."""

from __future__ import annotations

import json
from collections.abc import Iterable

from .journal import Journal, UnitState
from .paths import SYSTEMCTL_TIMEOUT
from .process import Failure, Json, Result
from .record import typed
from .records import Records


def mask_verb(verb: str, how: str) -> list[str]:
    """Return the words for systemctl that mask or unmask a unit the way it was masked."""
    return [verb, "--runtime"] if how == "masked-runtime" else [verb]


class Units(Records):
    """The units of the host."""

    def systemctl(self, *argv: str) -> Result:
        """Run systemctl."""
        return self.run(["systemctl", *argv], None, SYSTEMCTL_TIMEOUT)

    def unit_state(self, unit: str) -> UnitState:
        """Return whether a unit is enabled and whether it is active."""
        return self.unit_states([unit])[unit]

    def unit_states(self, units: Iterable[str]) -> dict[str, UnitState]:
        """Return the state of each unit, asked for at once: a look is mostly its processes."""
        names = list(dict.fromkeys(units))
        enabled, active = (self._each(verb, names) for verb in ("is-enabled", "is-active"))
        return {
            unit: UnitState(
                enabled=enabled in ("enabled", "enabled-runtime", "alias"),
                fixed=enabled in ("static", "indirect", "generated", "transient"),
                active=active in ("active", "activating", "reloading"),
                masked=enabled if enabled in ("masked", "masked-runtime") else "",
            )
            for unit, enabled, active in zip(names, enabled, active)  # noqa: B905 (Python 3.9)
        }

    def _each(self, verb: str, units: list[str]) -> list[str]:
        said = self.systemctl(verb, *units).out.split() if units else []
        if len(said) == len(units):
            return said
        # systemd 252 has no line for a unit without a file.
        return [self.systemctl(verb, unit).out.strip() for unit in units]

    def hold_back(self, units: Iterable[str]) -> None:
        """Keep units from starting with a package's own configuration (until the next boot).

        In one call, as below: systemd reads all units anew at the end of each.
        """
        if names := [*units]:
            self.must("mask", "--runtime", *names)

    def let_start(self, units: Iterable[str]) -> None:
        """End what hold_back began, also that of a run that was cut off."""
        states = self.unit_states(units)
        if held := [unit for unit, state in states.items() if state.masked == "masked-runtime"]:
            self.must("unmask", "--runtime", *held)

    def must(self, *argv: str) -> None:
        """Run systemctl and fail with the unit's own words when it fails."""
        done = self.systemctl(*argv)
        if done.code != 0:
            words = done.words()
            if argv[0] in ("start", "restart", "reload", "reload-or-restart"):
                journal = ["journalctl", "-u", argv[-1], "-n", "8", "-o", "cat", "--no-pager"]
                log = self.run(journal, None, 20.0)
                words += "\n" + log.out.strip() if log.out.strip() else ""
            raise Failure(f"systemctl {' '.join(argv)}: {words}")

    def can_reload(self, unit: str) -> bool:
        """Tell whether a unit can reload."""
        return self.systemctl("show", "-p", "CanReload", "--value", unit).out.strip() == "yes"

    def _leave_unit(self, unit: str) -> None:
        store = self._unit_original(unit)
        if not store.exists():
            return
        prior = typed(UnitState, json.loads(store.read_text()))
        now = self.unit_state(unit)
        if now.active and not prior.active:
            self.step("stop", unit)
            self.must("stop", unit)
        if now.enabled and not prior.enabled:
            self.step("disable", unit)
            self.must("disable", unit)
        if prior.masked and not now.masked:
            self.step("mask", unit)
            self.must(*mask_verb("mask", prior.masked), unit)

    def _start_units(
        self, journal: Journal, manifest: Json, shared: list[str], leaving: list[str]
    ) -> None:
        if journal.daemon_reload:
            self.step("daemon-reload")
            self.must("daemon-reload")
        for unit in manifest["units"]:
            state = self.unit_state(unit)
            active = state.active
            if state.masked:
                self.step("unmask", unit)
                self.must(*mask_verb("unmask", state.masked), unit)
                state = self.unit_state(unit)
            if not (state.enabled or state.fixed):
                self.step("enable", unit)
                self.must("enable", unit)
            self._refresh(unit, active, True, journal)
        for unit in [*shared, *leaving]:
            self._refresh(unit, self.unit_state(unit).active, False, journal)
        for unit in journal.restart:
            if unit not in manifest["units"] and unit not in (*shared, *leaving):
                self._refresh(unit, self.unit_state(unit).active, False, journal)

    def _refresh(self, unit: str, active: bool, start: bool, journal: Journal) -> None:
        if not active:
            if start:
                self.step("start", unit)
                self.must("start", unit)
        elif unit in journal.restart:
            self.step("restart", unit)
            self.must("restart", unit)
        elif journal.reload:
            verb = "reload" if self.can_reload(unit) else "restart"
            self.step(verb, unit)
            self.must(verb, unit)
