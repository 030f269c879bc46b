"""The parser of manifests: strict, and with all defaults filled in.

components/host/manifest.py makes what this module reads; docs/architecture.md explains the keys.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from typing import Any, NoReturn, cast

from .paths import AGENT, COMMAND_TIMEOUT, COMPARE_TIMEOUT, PROBE_TIMEOUT, RECOVER_PATH, STATE
from .process import BadManifest, Json

KEYS = (
    *("bundle", "owner", "packages", "debconf", "groups", "directories", "files", "assemble"),
    *("build", "check", "units", "run", "undo", "compare", "probe"),
)
NAME = re.compile(r"[a-z][a-z0-9-]*\Z")
MODE = re.compile(r"0[0-7]{3,4}\Z")
UNIT = re.compile(r"[A-Za-z0-9@:_.\\-]+\Z")
PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.:-]*\Z")
USER = re.compile(r"[a-z_][a-z0-9_-]*\Z")


def _bad(where: str, what: str) -> NoReturn:
    raise BadManifest(f"manifest: {where}: {what}")


def _table(value: Any, where: str, known: Iterable[str], needed: Iterable[str] = ()) -> Json:
    if not isinstance(value, dict):
        _bad(where, "must be an object")
    table = cast(Json, value)
    for key in table:
        if key not in set(known):
            _bad(where, f"unknown key {key!r}")
    for key in needed:
        if key not in table:
            _bad(where, f"key {key!r} is missing")
    return table


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        _bad(where, "must be a string")
    return value


def _strings(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        _bad(where, "must be a list of strings")
    return list(value)


def _bool(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        _bad(where, "must be true or false")
    return value


def _argv(value: Any, where: str) -> list[str]:
    argv = _strings(value, where)
    if not argv or not argv[0]:
        _bad(where, "must name a program")
    return argv


def _path(value: Any, where: str) -> str:
    path = _text(value, where)
    if not path.startswith("/") or path != os.path.normpath(path) or path.count("/") < 2:
        _bad(where, f"{path!r} is not a normal absolute path below a top directory")
    if "\0" in path or "\n" in path or path.startswith("//"):
        _bad(where, f"{path!r} has characters a path cannot have")
    if path in (STATE, AGENT, RECOVER_PATH) or path.startswith(STATE + "/"):
        _bad(where, f"{path} belongs to the agent itself")
    return path


def _attributes(table: Json, where: str, mode: str) -> Json:
    given = _text(table.get("mode", mode), f"{where}.mode")
    if not MODE.match(given):
        _bad(f"{where}.mode", f'{given!r} is not octal like "0644"')
    return {
        "mode": given,
        "owner": _text(table.get("owner", "root"), f"{where}.owner"),
        "group": _text(table.get("group", "root"), f"{where}.group"),
    }


def _items(value: Any, where: str, kind: type) -> Any:
    if not isinstance(value, kind):
        _bad(where, "must be a list" if kind is list else "must be an object")
    return value


def _seconds(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 3600:
        _bad(where, "must be seconds between 0 and 3600")
    return float(value)


def _probe(value: Any, where: str) -> Json:
    table = _table(value, where, ("unit", "tcp", "expect", "run", "timeout", "before"))
    kinds = [key for key in ("unit", "tcp", "run") if key in table]
    if len(kinds) != 1:
        _bad(where, "must have exactly one of unit, tcp, run")
    if "expect" in table and kinds != ["tcp"]:
        _bad(where, "expect goes with tcp only")
    probe: Json = {"timeout": _seconds(table.get("timeout", PROBE_TIMEOUT), f"{where}.timeout")}
    probe["before"] = _bool(table.get("before", False), f"{where}.before")
    if "unit" in table:
        probe["unit"] = _text(table["unit"], f"{where}.unit")
    elif "run" in table:
        probe["run"] = _argv(table["run"], f"{where}.run")
    else:
        probe["tcp"] = _text(table["tcp"], f"{where}.tcp")
        if not re.search(r"[^:]:[0-9]+\Z|\]:[0-9]+\Z", probe["tcp"]):
            _bad(f"{where}.tcp", "must be host:port")
        probe["expect"] = _text(table.get("expect", ""), f"{where}.expect")
    return probe


def _check(value: Any, where: str) -> Json:
    table = _table(value, where, ("run", "fail_on_stderr", "fail_on_output"), ("run",))
    check: Json = {
        "run": _argv(table["run"], f"{where}.run"),
        "fail_on_stderr": _bool(table.get("fail_on_stderr", False), f"{where}.fail_on_stderr"),
        "fail_on_output": None,
    }
    if table.get("fail_on_output") is not None:
        pattern = _text(table["fail_on_output"], f"{where}.fail_on_output")
        try:
            re.compile(pattern)
        except re.error as error:
            _bad(f"{where}.fail_on_output", f"is not a regular expression: {error}")
        check["fail_on_output"] = pattern
    return check


def _groups(value: Any) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for user, names in _items(value, "groups", dict).items():
        where = f"groups[{user}]"
        for name in (user, *_strings(names, where)):
            if not USER.match(name):
                _bad(where, f"{name!r} is not the name of a user or a group")
        groups[user] = list(names)
    return groups


def _step(value: Any, where: str) -> Json:
    table = _table(value, where, ("run", "stdin", "creates", "timeout", "secret"), ("run",))
    creates = table.get("creates")
    return {
        "run": _argv(table["run"], f"{where}.run"),
        "stdin": _text(table.get("stdin", ""), f"{where}.stdin"),
        "creates": None if creates is None else _path(creates, f"{where}.creates"),
        "timeout": _seconds(table.get("timeout", COMMAND_TIMEOUT), f"{where}.timeout"),
        "secret": _bool(table.get("secret", False), f"{where}.secret"),
    }


def _comparison(value: Any, where: str) -> Json:
    table = _table(value, where, ("name", "run", "timeout"), ("name", "run"))
    return {
        "name": _text(table["name"], f"{where}.name"),
        "run": _argv(table["run"], f"{where}.run"),
        "timeout": _seconds(table.get("timeout", COMPARE_TIMEOUT), f"{where}.timeout"),
    }


def _steps(top: Json, key: str) -> list[Json]:
    steps = _items(top.get(key, []), key, list)
    return [_step(value, f"{key}[{number}]") for number, value in enumerate(steps)]


def parse_manifest(text: str) -> Json:
    """Check a manifest strictly and return it with all defaults filled in."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise BadManifest(f"manifest: not JSON: {error}") from None
    top = _table(raw, "top level", KEYS, ("bundle", "owner"))
    if not NAME.match(_text(top["bundle"], "bundle")):
        _bad("bundle", f"{top['bundle']!r} does not match [a-z][a-z0-9-]*")
    if not _text(top["owner"], "owner"):
        _bad("owner", "is empty")
    packages = _strings(top.get("packages", []), "packages")
    for package in packages:
        if not PACKAGE.match(package):
            _bad("packages", f"{package!r} is not a package name")
    directories: Json = {}
    for path, value in _items(top.get("directories", {}), "directories", dict).items():
        where = f"directories[{path}]"
        table = _table(value, where, ("mode", "owner", "group", "exclusive"))
        entry = _attributes(table, where, "0755")
        entry["exclusive"] = _bool(table.get("exclusive", False), f"{where}.exclusive")
        directories[_path(path, where)] = entry
    files: Json = {}
    for path, value in _items(top.get("files", {}), "files", dict).items():
        where = f"files[{path}]"
        table = _table(
            value, where, ("content", "mode", "owner", "group", "secret", "restart"), ("content",)
        )
        entry = _attributes(table, where, "0644")
        entry["content"] = _text(table["content"], f"{where}.content")
        entry["secret"] = _bool(table.get("secret", False), f"{where}.secret")
        entry["restart"] = _strings(table.get("restart", []), f"{where}.restart")
        files[_path(path, where)] = entry
    assemble: Json = {}
    for path, value in _items(top.get("assemble", {}), "assemble", dict).items():
        where = f"assemble[{path}]"
        table = _table(value, where, ("directory", "mode", "owner", "group"), ("directory",))
        entry = _attributes(table, where, "0644")
        entry["directory"] = _path(table["directory"], f"{where}.directory")
        assemble[_path(path, where)] = entry
    build = []
    for number, value in enumerate(_items(top.get("build", []), "build", list)):
        where = f"build[{number}]"
        table = _table(value, where, ("run", "makes"), ("run", "makes"))
        makes = [_path(p, f"{where}.makes") for p in _strings(table["makes"], f"{where}.makes")]
        build.append({"run": _argv(table["run"], f"{where}.run"), "makes": makes})
    targets = [*files, *assemble, *(path for step in build for path in step["makes"])]
    for path in targets:
        if targets.count(path) > 1 or path in directories:
            _bad(path, "is declared twice")
    units: Json = {}
    for unit, value in _items(top.get("units", {}), "units", dict).items():
        where = f"units[{unit}]"
        table = _table(value, where, ("restart_when",))
        if not UNIT.match(unit):
            _bad(where, "is not a unit name")
        units[unit] = {"restart_when": _text(table.get("restart_when", ""), where)}
    return {
        "bundle": top["bundle"],
        "owner": top["owner"],
        "packages": packages,
        "debconf": _strings(top.get("debconf", []), "debconf"),
        "groups": _groups(top.get("groups", {})),
        "directories": directories,
        "files": files,
        "assemble": assemble,
        "build": build,
        "check": [
            _check(value, f"check[{number}]")
            for number, value in enumerate(_items(top.get("check", []), "check", list))
        ],
        "units": units,
        "run": _steps(top, "run"),
        "undo": _steps(top, "undo"),
        "compare": [
            _comparison(value, f"compare[{number}]")
            for number, value in enumerate(_items(top.get("compare", []), "compare", list))
        ],
        "probe": [
            _probe(value, f"probe[{number}]")
            for number, value in enumerate(_items(top.get("probe", []), "probe", list))
        ],
    }
