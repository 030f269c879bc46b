"""systemd units: their state, starting, stopping, masking while packages are installed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from .journal import Journal, UnitState
from .paths import SYSTEMCTL_TIMEOUT
from .process import Failure, Json, Result
from .record import typed
from .records import Records

_TIME = re.compile(r"\w{3} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")


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

    def inactive(self, unit: str) -> str:
        """Return that a unit is not active, and since when if it ran since the host was booted."""
        options = ("--timestamp=utc", "--property=InactiveEnterTimestamp", "--value")
        time = self.systemctl("show", *options, unit).out.strip()
        return f"not active since {time}" if _TIME.fullmatch(time) else "not active"

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

    def let_start(self, units: Iterable[str], held: Iterable[str] = ()) -> dict[str, UnitState]:
        """End what hold_back began, also that of a run that was cut off; return the states.

        `held`: units that this run held back. Of one that is masked beside that, systemctl(1) does
        not tell it.
        """
        states = self.unit_states(units)
        masked = [unit for unit, state in states.items() if state.masked == "masked-runtime"]
        if held := list(dict.fromkeys([*held, *masked])):
            self.must("unmask", "--runtime", *held)
            states = self.unit_states(units)
        return states

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
        states = self._enable(manifest["units"], journal)
        for unit in manifest["units"]:
            self._refresh(unit, states[unit].active, True, journal)
        for unit in [*shared, *leaving]:
            self._refresh(unit, self.unit_state(unit).active, False, journal)
        for unit in journal.restart:
            if unit not in manifest["units"] and unit not in (*shared, *leaving):
                self._refresh(unit, self.unit_state(unit).active, False, journal)

    def _enable(self, units: Iterable[str], journal: Journal) -> dict[str, UnitState]:
        """Unmask and enable units; return their states before that.

        systemd reads all units anew at each daemon-reload, and at the end of `enable` and `unmask`.
        On a host with many units that takes a good part of a second, so each runs at most once.
        """
        changed = journal.daemon_reload  # else their states are those that the journal has
        before = now = self.unit_states(units) if changed else {u: journal.units[u] for u in units}
        read = False
        # A unit may be masked in both ways; systemctl(1) tells the first alone.
        for how in ("masked", "masked-runtime"):
            if masked := [unit for unit, state in now.items() if state.masked == how]:
                self.step("unmask", " ".join(masked))
                self.must(*mask_verb("unmask", how), *masked)
                now = self.unit_states(units)
                read = True
        if new := [unit for unit, state in now.items() if not (state.enabled or state.fixed)]:
            self.step("enable", " ".join(new))
            self.must("enable", *new)
            read = True
        if journal.daemon_reload and not read:
            self.step("daemon-reload")
            self.must("daemon-reload")
        return before

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
