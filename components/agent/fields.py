"""Values of a manifest, checked one by one; each check raises BadManifest and names the place."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any, NoReturn, cast

from .paths import AGENT, RECOVER_PATH, STATE
from .process import BadManifest, Json

MODE = re.compile(r"0[0-7]{3,4}\Z")
_NAME_OF_PACKAGE = r"[a-z0-9][a-z0-9+.:-]*"
PACKAGE = re.compile(rf"{_NAME_OF_PACKAGE}( \| {_NAME_OF_PACKAGE})*\Z")


def bad(where: str, what: str) -> NoReturn:
    """Refuse the manifest."""
    raise BadManifest(f"manifest: {where}: {what}")


def table(value: Any, where: str, known: Iterable[str], needed: Iterable[str] = ()) -> Json:
    """An object with known keys, all needed ones among them."""
    if not isinstance(value, dict):
        bad(where, "must be an object")
    entry = cast(Json, value)
    for key in entry:
        if key not in set(known):
            bad(where, f"unknown key {key!r}")
    for key in needed:
        if key not in entry:
            bad(where, f"key {key!r} is missing")
    return entry


def text(value: Any, where: str) -> str:
    """A string."""
    if not isinstance(value, str):
        bad(where, "must be a string")
    return value


def strings(value: Any, where: str) -> list[str]:
    """A list of strings."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        bad(where, "must be a list of strings")
    return list(value)


def packages(top: Json) -> tuple[list[str], dict[str, str]]:
    """The keys `packages` and `newest`; what is in the latter is in the former, and no choice."""
    wanted = strings(top.get("packages", []), "packages")
    for package in wanted:
        if not PACKAGE.match(package):
            bad("packages", f"{package!r} is not a package name")
    newest = items(top.get("newest", {}), "newest", dict)
    for name in newest:
        if name not in wanted or "|" in name:
            bad("newest", f"{name!r} is not one of packages")
    return wanted, {name: text(source, "newest") for name, source in newest.items()}


def boolean(value: Any, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        bad(where, "must be true or false")
    return value


def argv(value: Any, where: str) -> list[str]:
    """A command: a program and its arguments."""
    argv = strings(value, where)
    if not argv or not argv[0]:
        bad(where, "must name a program")
    return argv


def path(value: Any, where: str) -> str:
    """A normal absolute path that is not the agent's own."""
    path = text(value, where)
    if not path.startswith("/") or path != os.path.normpath(path) or path.count("/") < 2:
        bad(where, f"{path!r} is not a normal absolute path below a top directory")
    if "\0" in path or "\n" in path or path.startswith("//"):
        bad(where, f"{path!r} has characters a path cannot have")
    if path in (STATE, AGENT, RECOVER_PATH) or path.startswith(STATE + "/"):
        bad(where, f"{path} belongs to the agent itself")
    return path


def attributes(table: Json, where: str, mode: str) -> Json:
    """Mode, owner and group of a file or directory."""
    given = text(table.get("mode", mode), f"{where}.mode")
    if not MODE.match(given):
        bad(f"{where}.mode", f'{given!r} is not octal like "0644"')
    return {
        "mode": given,
        "owner": text(table.get("owner", "root"), f"{where}.owner"),
        "group": text(table.get("group", "root"), f"{where}.group"),
    }


def items(value: Any, where: str, kind: type) -> Any:
    """A list or an object."""
    if not isinstance(value, kind):
        bad(where, "must be a list" if kind is list else "must be an object")
    return value


def seconds(value: Any, where: str) -> float:
    """Seconds, above 0 and up to an hour."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 3600:
        bad(where, "must be seconds between 0 and 3600")
    return float(value)
