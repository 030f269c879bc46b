"""What the agent will do to units, by its own rules (docs/architecture.md, "The manifest")."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from components.agent.restarts import restarts
from components.protocol import calls
from components.protocol.warnings import parse
from tools.preview.model import Step

# The units that can reload; the agent restarts all others. A host test asks systemd.
RELOADS = (
    "mx-firewall.service",
    "nginx.service",
    "postfix.service",
    "prometheus-node-exporter.service",
    "rspamd.service",
    "unbound.service",
)
# Unit, what is wrong, and since when as far as the host knows.
UNIT = re.compile(
    r"(\S+\.(?:service|socket|timer|path)): "
    r"(not active|not enabled|masked|missing)( since \w{3} [-\d]+ [:\d]+ UTC)?"
)
_PATH = re.compile(r"(/.+?): \S")
_PIECE = re.compile(r"database \S+: differs|\S+: not installed")
_RESTORE = "restore the state before MX"


@dataclass(frozen=True)
class Drifted:
    """What the host told of a bundle: paths, units; `whole` when nothing else was told."""

    paths: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    whole: bool = False

    @staticmethod
    def read(texts: Iterable[str], host: str, bundle: str) -> Drifted:
        """Of the warnings of a drift, those of this bundle on this host."""
        lines: list[str] = []
        for told in map(parse, texts):
            if told is not None and (told.host, told.bundle) == (host, bundle):
                first = told.what.partition(": ")[2]
                lines += [first, *(line for line in told.lines if line[:1] not in tuple("@+- ["))]
        paths = {match[1] for match in map(_PATH.match, lines) if match}
        units = {match[1] for match in map(UNIT.match, lines) if match}
        known = sum(bool(each.match(line)) for line in lines for each in (_PATH, UNIT, _PIECE))
        return Drifted(frozenset(paths), frozenset(units), bool(lines) and known == len(lines))


def told_of(texts: Iterable[str], host: str, bundle: str) -> bool:
    """Whether one of the warnings of a drift is of this bundle on this host."""
    return any(told and (told.host, told.bundle) == (host, bundle) for told in map(parse, texts))


def healed(step: Step) -> bool:
    """Whether the heal number changes: the host differs from what was applied."""
    numbers = {
        calls.number_text(str((inputs or {}).get("create", ""))) for inputs in (step.old, step.new)
    }
    return len(numbers) > 1


def actions(
    old: dict[str, Any], new: dict[str, Any], step: Step, drifted: Drifted
) -> list[tuple[str, str]]:
    """Verb and unit, from the manifests before and after and from what drifted on the host."""
    before, after = old.get("units", {}), new.get("units", {})
    if step.op == "delete":
        return [(_RESTORE, unit) for unit in sorted(before)]
    files = {
        path
        for path in {*old.get("files", {}), *new.get("files", {})}
        if old.get("files", {}).get(path) != new.get("files", {}).get(path)
    } | (drifted.paths & _written(old))
    asked = {path: [*_restart(old, path), *_restart(new, path)] for path in files}
    restart = restarts(asked, before, after)
    found = []
    for unit in sorted({*before, *after, *restart}):
        if unit in before and unit not in after:
            found.append((_RESTORE, unit))
        elif (unit in after and unit not in before) or unit in drifted.units:
            found.append(("start", unit))
        elif unit not in after:
            found.append(("restart if it runs", unit))
        elif unit in restart:
            found.append(("restart", unit))
        elif files:
            found.append(("reload" if unit in RELOADS else "restart", unit))
        elif healed(step) and not drifted.whole:
            found.append(("repair", unit))
    return found


def _written(manifest: dict[str, Any]) -> set[str]:
    """The files that a bundle writes; a directory is put right without its units."""
    made = {path for step in manifest.get("build", []) for path in step.get("makes", [])}
    return {*manifest.get("files", {}), *manifest.get("assemble", {}), *made}


def _restart(manifest: dict[str, Any], path: str) -> list[str]:
    """The units that a manifest restarts when a path changes."""
    return list(manifest.get("files", {}).get(path, {}).get("restart", []))
