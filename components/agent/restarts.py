"""Which units a change restarts: the agent acts by this rule, and a report foretells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .process import Json


def restarts(asked: Mapping[str, Iterable[str]], before: Json, after: Json) -> set[str]:
    """Return the units to restart.

    `asked`: each path that changes, and the units that the manifests before and after restart for
    that path. `before`, `after`: the units of those manifests with their `restart_when`.
    """
    found = {unit for units in asked.values() for unit in units}
    for unit, entry in after.items():
        if before.get(unit, {}).get("restart_when", "") != entry.get("restart_when", ""):
            found.add(unit)
    return found
