"""The parser of manifests: strict, and with all defaults filled in.

components/host/manifest.py makes what this module reads; docs/architecture.md explains the keys.
"""

from __future__ import annotations

import json
import re
from typing import Any

from . import fields
from .paths import COMMAND_TIMEOUT, COMPARE_TIMEOUT, PROBE_TIMEOUT
from .process import BadManifest, Json

KEYS = (
    *(
        "bundle",
        "owner",
        "packages",
        "debconf",
        "held",
        "groups",
        "directories",
        "files",
        "assemble",
    ),
    *("build", "check", "units", "run", "undo", "compare", "probe", "newest"),
)
NAME = re.compile(r"[a-z][a-z0-9-]*\Z")
UNIT = re.compile(r"[A-Za-z0-9@:_.\\-]+\Z")
USER = re.compile(r"[a-z_][a-z0-9_-]*\Z")


def _probe(value: Any, where: str) -> Json:
    table = fields.table(value, where, ("unit", "tcp", "expect", "run", "timeout", "before"))
    kinds = [key for key in ("unit", "tcp", "run") if key in table]
    if len(kinds) != 1:
        fields.bad(where, "must have exactly one of unit, tcp, run")
    if "expect" in table and kinds != ["tcp"]:
        fields.bad(where, "expect goes with tcp only")
    probe: Json = {
        "timeout": fields.seconds(table.get("timeout", PROBE_TIMEOUT), f"{where}.timeout")
    }
    probe["before"] = fields.boolean(table.get("before", False), f"{where}.before")
    if "unit" in table:
        probe["unit"] = fields.text(table["unit"], f"{where}.unit")
    elif "run" in table:
        probe["run"] = fields.argv(table["run"], f"{where}.run")
    else:
        probe["tcp"] = fields.text(table["tcp"], f"{where}.tcp")
        if not re.search(r"[^:]:[0-9]+\Z|\]:[0-9]+\Z", probe["tcp"]):
            fields.bad(f"{where}.tcp", "must be host:port")
        probe["expect"] = fields.text(table.get("expect", ""), f"{where}.expect")
    return probe


def _check(value: Any, where: str) -> Json:
    table = fields.table(value, where, ("run", "fail_on_stderr", "fail_on_output"), ("run",))
    check: Json = {
        "run": fields.argv(table["run"], f"{where}.run"),
        "fail_on_stderr": fields.boolean(
            table.get("fail_on_stderr", False), f"{where}.fail_on_stderr"
        ),
        "fail_on_output": None,
    }
    if table.get("fail_on_output") is not None:
        pattern = fields.text(table["fail_on_output"], f"{where}.fail_on_output")
        try:
            re.compile(pattern)
        except re.error as error:
            fields.bad(f"{where}.fail_on_output", f"is not a regular expression: {error}")
        check["fail_on_output"] = pattern
    return check


def _groups(value: Any) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for user, names in fields.items(value, "groups", dict).items():
        where = f"groups[{user}]"
        for name in (user, *fields.strings(names, where)):
            if not USER.match(name):
                fields.bad(where, f"{name!r} is not the name of a user or a group")
        groups[user] = list(names)
    return groups


def _step(value: Any, where: str) -> Json:
    known = ("run", "stdin", "creates", "timeout", "secret", "unlocked")
    table = fields.table(value, where, known, ("run",))
    creates = table.get("creates")
    unlocked = fields.boolean(table.get("unlocked", False), f"{where}.unlocked")
    return {
        "run": fields.argv(table["run"], f"{where}.run"),
        "stdin": fields.text(table.get("stdin", ""), f"{where}.stdin"),
        "creates": None if creates is None else fields.path(creates, f"{where}.creates"),
        "timeout": fields.seconds(table.get("timeout", COMMAND_TIMEOUT), f"{where}.timeout"),
        "secret": fields.boolean(table.get("secret", False), f"{where}.secret"),
        # Left out otherwise, so that the digests of all other manifests stay the same.
        **({"unlocked": True} if unlocked else {}),
    }


def _comparison(value: Any, where: str) -> Json:
    table = fields.table(value, where, ("name", "run", "timeout"), ("name", "run"))
    return {
        "name": fields.text(table["name"], f"{where}.name"),
        "run": fields.argv(table["run"], f"{where}.run"),
        "timeout": fields.seconds(table.get("timeout", COMPARE_TIMEOUT), f"{where}.timeout"),
    }


def _steps(top: Json, key: str) -> list[Json]:
    steps = fields.items(top.get(key, []), key, list)
    return [_step(value, f"{key}[{number}]") for number, value in enumerate(steps)]


def _directories(top: Json) -> Json:
    directories: Json = {}
    for path, value in fields.items(top.get("directories", {}), "directories", dict).items():
        where = f"directories[{path}]"
        table = fields.table(value, where, ("mode", "owner", "group", "exclusive"))
        entry = fields.attributes(table, where, "0755")
        entry["exclusive"] = fields.boolean(table.get("exclusive", False), f"{where}.exclusive")
        directories[fields.path(path, where)] = entry
    return directories


def _files(top: Json) -> Json:
    files: Json = {}
    for path, value in fields.items(top.get("files", {}), "files", dict).items():
        where = f"files[{path}]"
        table = fields.table(
            value, where, ("content", "mode", "owner", "group", "secret", "restart"), ("content",)
        )
        entry = fields.attributes(table, where, "0644")
        entry["content"] = fields.text(table["content"], f"{where}.content")
        entry["secret"] = fields.boolean(table.get("secret", False), f"{where}.secret")
        entry["restart"] = fields.strings(table.get("restart", []), f"{where}.restart")
        files[fields.path(path, where)] = entry
    return files


def _assemble(top: Json) -> Json:
    assemble: Json = {}
    for path, value in fields.items(top.get("assemble", {}), "assemble", dict).items():
        where = f"assemble[{path}]"
        table = fields.table(value, where, ("directory", "mode", "owner", "group"), ("directory",))
        entry = fields.attributes(table, where, "0644")
        entry["directory"] = fields.path(table["directory"], f"{where}.directory")
        assemble[fields.path(path, where)] = entry
    return assemble


def _build(top: Json) -> list[Json]:
    build: list[Json] = []
    for number, value in enumerate(fields.items(top.get("build", []), "build", list)):
        where = f"build[{number}]"
        table = fields.table(value, where, ("run", "makes"), ("run", "makes"))
        makes = [
            fields.path(p, f"{where}.makes")
            for p in fields.strings(table["makes"], f"{where}.makes")
        ]
        build.append({"run": fields.argv(table["run"], f"{where}.run"), "makes": makes})
    return build


def _units(top: Json) -> Json:
    units: Json = {}
    for unit, value in fields.items(top.get("units", {}), "units", dict).items():
        where = f"units[{unit}]"
        table = fields.table(value, where, ("restart_when",))
        if not UNIT.match(unit):
            fields.bad(where, "is not a unit name")
        units[unit] = {"restart_when": fields.text(table.get("restart_when", ""), where)}
    return units


def _once(pairs: list[tuple[str, Any]]) -> Json:
    """An object of JSON. Of a key that is there twice, json would take the last one silently."""
    found: Json = {}
    for key, value in pairs:
        if key in found:
            fields.bad(key, "is there twice")
        found[key] = value
    return found


def _held(top: Json) -> list[str]:
    held = fields.strings(top.get("held", []), "held")
    for unit in held:
        if not UNIT.match(unit):
            fields.bad("held", f"{unit!r} is not a unit name")
    return held


def parse_manifest(text: str) -> Json:
    """Check a manifest strictly and return it with all defaults filled in."""
    try:
        raw = json.loads(text, object_pairs_hook=_once)
    except ValueError as error:
        raise BadManifest(f"manifest: not JSON: {error}") from None
    except RecursionError:
        raise BadManifest("manifest: not JSON of a manifest: nested too deep") from None
    top = fields.table(raw, "top level", KEYS, ("bundle", "owner"))
    if not NAME.match(fields.text(top["bundle"], "bundle")):
        fields.bad("bundle", f"{top['bundle']!r} does not match [a-z][a-z0-9-]*")
    if not fields.text(top["owner"], "owner"):
        fields.bad("owner", "is empty")
    packages, newest = fields.packages(top)
    directories, files, assemble = _directories(top), _files(top), _assemble(top)
    build = _build(top)
    targets = [*files, *assemble, *(path for step in build for path in step["makes"])]
    for path in targets:
        if targets.count(path) > 1 or path in directories:
            fields.bad(path, "is declared twice")
    return {
        "bundle": top["bundle"],
        "owner": top["owner"],
        "packages": packages,
        "debconf": fields.strings(top.get("debconf", []), "debconf"),
        "held": _held(top),
        "groups": _groups(top.get("groups", {})),
        "directories": directories,
        "files": files,
        "assemble": assemble,
        "build": build,
        "check": [
            _check(value, f"check[{number}]")
            for number, value in enumerate(fields.items(top.get("check", []), "check", list))
        ],
        "units": _units(top),
        "run": _steps(top, "run"),
        "undo": _steps(top, "undo"),
        "compare": [
            _comparison(value, f"compare[{number}]")
            for number, value in enumerate(fields.items(top.get("compare", []), "compare", list))
        ],
        "probe": [
            _probe(value, f"probe[{number}]")
            for number, value in enumerate(fields.items(top.get("probe", []), "probe", list))
        ],
        # Left out without an entry, so that the digests of all other manifests stay the same.
        **({"newest": newest} if newest else {}),
    }
