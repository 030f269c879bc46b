"""What differs on the host from what was applied."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from .files import Want, concatenate, gid_of, look, pieces, uid_of
from .groups import Groups
from .journal import UnitState
from .manifest import parse_manifest
from .paths import PREFIX
from .process import Failure, Json
from .record import Mark, Record
from .records import held
from .upgrades import Upgrades
from .words import cut, lines_of, unified


def _rolled_back(left: str, text: str) -> list[Json]:
    """Return the files that a rollback changed, from the state that was left to the present one."""
    if not left or not text:
        return []
    before, after = parse_manifest(left)["files"], parse_manifest(text)["files"]
    changed: list[Json] = []
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if (old or {}).get("content") != (new or {}).get("content"):
            now = Want(data=(new or {}).get("content", "").encode())
            diff = unified((old or {}).get("content", ""), now)
            changed.append({"path": path, "what": "rolled back", "diff": diff})
    return changed


@dataclass(frozen=True)
class Seen:
    """What several bundles are compared with: states of units, packages that are missing."""

    units: dict[str, UnitState]
    missing: list[str]


class Drift(Upgrades, Groups):
    """What differs from the records."""

    def strays(self, directories: Json, records: dict[str, Record], mine: set[str]) -> list[str]:
        """Return files in exclusive directories that no bundle owns."""
        owned = set(mine).union(*(record.claims for record in records.values()))
        found = []
        for directory, entry in directories.items():
            real = self.real(directory)
            if entry["exclusive"] and real.is_dir():
                for item in sorted(real.iterdir()):
                    path = directory + "/" + item.name
                    if item.name.startswith(PREFIX) or path in owned:
                        continue
                    if item.is_symlink() or item.is_file():
                        found.append(path)
        return found

    def seen(self, records: Iterable[Record]) -> Seen:
        """Ask for the units and packages of these bundles, all at once."""
        known = list(records)
        packages = {package for record in known for package in record.packages}
        return Seen(
            self.unit_states(unit for record in known for unit in record.units),
            self.missing_packages(sorted(packages)),
        )

    def drift(self, record: Record, records: dict[str, Record], seen: Seen) -> list[Json]:
        """Return how the host differs from what a bundle left on it."""
        drift: list[Json] = []

        def add(kind: str, name: str, what: str) -> None:
            drift.append({kind: name, "what": what})

        for path, mark in {**record.files, **record.made}.items():
            self._compare(path, mark, add)
        for path, entry in record.assemble.items():
            data = concatenate(pieces(self.root, entry["directory"]))
            mark = Mark.of(
                Want(
                    data,
                    None,
                    int(entry["mode"], 8),
                    uid_of(entry["owner"]),
                    gid_of(entry["group"]),
                )
            )
            self._compare(path, mark, add)
        for path, entry in record.directories.items():
            real = self.real(path)
            if not real.is_dir():
                add("path", path, "missing")
                continue
            info = real.stat()
            if stat.S_IMODE(info.st_mode) != int(entry["mode"], 8):
                add("path", path, f"mode {stat.S_IMODE(info.st_mode):04o}, not {entry['mode']}")
            if (info.st_uid, info.st_gid) != (uid_of(entry["owner"]), gid_of(entry["group"])):
                add("path", path, f"owner is not {entry['owner']}:{entry['group']}")
        for path in self.strays(record.directories, records, set()):
            add("path", path, "belongs to no bundle")
        for unit in record.units:
            state = seen.units[unit]
            if not state.active:
                add("unit", unit, self.inactive(unit))
            if state.masked:
                add("unit", unit, "masked")
            elif not (state.enabled or state.fixed):
                add("unit", unit, "not enabled")
        for path in record.creates:
            if not os.path.lexists(self.real(path)):
                add("path", path, "missing")
        for user, names in record.groups.items():
            for name in names:
                if not self.member(user, name):
                    add("group", name, f"{user} is not in it")
        if (left := self._unfinished(record.bundle)).exists():
            what = "a change runs its commands now"
            if not held(left):
                what = "a change ran commands, and not all of them succeeded"
            add("run", record.bundle, what)
        for package in record.packages:
            if package in seen.missing:
                add("package", package, "not installed")
        for step in record.compare:
            done = self.run(step["run"], None, step["timeout"])
            if done.code != 0:
                add("compare", step["name"], f"not compared: {done.words()}")
            elif done.out.strip():
                add("compare", step["name"], "differs")
                drift[-1]["diff"] = cut(lines_of(done.out))
        return drift

    def explained(self, record: Record, records: dict[str, Record], seen: Seen) -> list[Json]:
        """Return the drift of a bundle, with a diff where the text is known and no secret."""
        drift = self.drift(record, records, seen)
        if record.rolled_back:
            what = f"rolled back by hand at {record.applied}"
            drift[:0] = [
                {"bundle": record.bundle, "what": what},
                *_rolled_back(record.previous, record.text),
            ]
        if not drift:  # as almost always: the texts of all bundles take longer than the look
            return []
        texts: dict[str, str] = {}
        if record.text:
            files = parse_manifest(record.text)["files"]
            texts = {path: e["content"] for path, e in files.items() if not e["secret"]}
        texts.update(self._assembled(record, records))
        # A piece that drifted is told itself; the whole is told when it is not what was applied.
        whole = {path: text for path, text in texts.items() if path in record.assemble}
        drift = [
            item
            for item in drift
            if item.get("path") not in whole
            or item["what"] != "content changed"
            or look(self.real(item["path"])).data != whole[item["path"]].encode()
        ]
        for item in drift:
            path = item.get("path")
            if item["what"] == "content changed" and path in texts:
                item["diff"] = unified(texts[path], look(self.real(path)))
        return drift

    def _assembled(self, record: Record, records: dict[str, Record]) -> dict[str, str]:
        """Return the assembled files as the bundles applied them, where all texts are known."""
        found: dict[str, str] = {}
        pieces_: dict[str, str] = {}
        for other in records.values():
            if other.text:
                files = parse_manifest(other.text)["files"]
                pieces_.update((path, e["content"]) for path, e in files.items())
        owned = set().union(*(other.claims for other in records.values()))
        for path, entry in record.assemble.items():
            names = [n for n in owned if str(Path(n).parent) == entry["directory"]]
            parts = sorted(name for name in names if name.endswith(".cf"))
            if parts and all(name in pieces_ for name in parts):
                texts = [pieces_[name] for name in parts]
                found[path] = "".join(t if t.endswith("\n") or not t else t + "\n" for t in texts)
        return found

    def _compare(self, path: str, mark: Mark, add: Callable[[str, str, str], None]) -> None:
        try:
            now = look(self.real(path))
        except Failure:
            add("path", path, "is not a file")
            return
        seen = Mark.of(now)
        if now.absent:
            add("path", path, "missing")
            return
        if now.link != mark.link or seen.sha != mark.sha:
            add("path", path, "content changed")
        if seen.mode != mark.mode:
            add("path", path, f"mode {seen.mode:04o}, not {mark.mode:04o}")
        if seen.ids != mark.ids:
            add("path", path, "owner changed")
