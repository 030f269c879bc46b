"""What was applied on this host: a record for each bundle, the originals of files, the lock."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from .files import Want, digest, gone, write_state
from .host import Host
from .process import Failure, Json
from .words import explain


def given(record: Json) -> str:
    """Return the digest of the manifest as it was given; empty when an old agent kept no trace."""
    text = record.get("text", "")
    return str(record.get("given") or (digest(text.encode()) if text else ""))


def no_record(name: str, owner: str) -> Json:
    """Return the record of a bundle that is not applied."""
    return {
        "bundle": name,
        "owner": owner,
        "sha": "",
        "applied": "",
        "packages": [],
        "directories": {},
        "files": {},
        "made": {},
        "assemble": {},
        "strays": [],
        "units": {},
        "groups": {},
        "undo": [],
        "compare": [],
        "creates": [],
        "made_dirs": [],
        "dir_originals": {},
    }


def _directories_of(record: Json) -> set[str]:
    """Return the directories that a bundle declares or has files in."""
    paths = (*record["files"], *record["made"], *record["assemble"])
    return {*record["directories"], *(str(up) for path in paths for up in Path(path).parents)}


def leaving_directories(
    old: Json, record: Json | None, others: dict[str, Json]
) -> tuple[list[list[Any]], dict[str, list[list[Any]]]]:
    """Return the directories to give up, deepest first, each with its attributes before.

    The second value says which of them other bundles still use and inherit.
    """
    kept = _directories_of(record) if record else set()
    entries: list[list[Any]] = [[path, None] for path in old["made_dirs"]]
    entries += [[path, was] for path, was in old["dir_originals"].items()]
    leaving: list[list[Any]] = []
    heirs: dict[str, list[list[Any]]] = {}
    for entry in sorted(entries, key=lambda item: str(item[0]), reverse=True):
        if entry[0] in kept:
            continue
        heir = next((name for name in others if entry[0] in _directories_of(others[name])), None)
        if heir is None:
            leaving.append(entry)
        else:
            heirs.setdefault(heir, []).append(entry)
        if record:
            record["made_dirs"] = [path for path in record["made_dirs"] if path != entry[0]]
            record["dir_originals"].pop(entry[0], None)
    return leaving, heirs


def mark_of(want: Want) -> Json:
    """Return what a record keeps of a path: digests and attributes, never content."""
    return {
        "sha": digest(want.data),
        "link": want.link,
        "mode": want.mode,
        "ids": [want.uid, want.gid],
    }


class Records(Host):
    """What is recorded on the host."""

    def prepare_state(self) -> None:
        """Make the state directories."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.state.chmod(0o700)
        for name in ("bundles", "originals"):
            (self.state / name).mkdir(mode=0o700, exist_ok=True)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the host's lock; wait for it, but not for ever."""
        self.prepare_state()
        fd = os.open(self.state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            deadline = time.monotonic() + self.lock_wait
            told = False
            while True:
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
                    if time.monotonic() >= deadline:
                        raise Failure(
                            f"another call of the agent (process {holder}) still works after "
                            f"{self.lock_wait:.0f} s; nothing has been changed"
                        ) from None
                    if not told:
                        self.step("lock", f"waiting for process {holder}")
                        told = True
                    time.sleep(0.1)
            os.ftruncate(fd, 0)
            os.pwrite(fd, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(fd)

    def records(self) -> dict[str, Json]:
        """Return the records of all applied bundles."""
        found = {}
        directory = self.state / "bundles"
        if directory.is_dir():
            for item in sorted(directory.glob("*.json")):
                found[item.stem] = cast(Json, json.loads(item.read_text()))
        return found

    def claims(self, record: Json) -> set[str]:
        """Return the paths that a bundle owns."""
        return {*record["files"], *record["made"], *record["assemble"]}

    def _original(self, path: str) -> Path:
        return self.state / "originals" / (digest(path.encode())[:40] + ".json")

    def _unit_original(self, unit: str) -> Path:
        return self.state / "originals" / ("unit-" + digest(unit.encode())[:40] + ".json")

    def original(self, path: str) -> Want:
        """Return what was at a path before any bundle took it over."""
        store = self._original(path)
        if not store.exists():
            return Want()
        return Want.from_json(json.loads(store.read_text()))

    def _has_secret(self, manifest: Json) -> bool:
        """Tell whether a manifest must not be kept."""
        parts = [*manifest["files"].values(), *manifest["run"]]
        return any(part["secret"] for part in parts)

    @contextlib.contextmanager
    def noted(self, name: str) -> Iterator[None]:
        """Keep in mind that the last change of a bundle failed, until one succeeds."""
        mark = self.state / "bundles" / (name + ".failed")
        try:
            yield
        except BaseException:
            try:
                write_state(mark, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
            except OSError as error:  # the words of the failure itself matter more
                self.warn(explain(error, "the mark of this failure was not written"))
            raise
        gone(mark)

    def forget_failures(self) -> None:
        """Drop the marks of failed changes whose bundles never were applied here.

        Nothing of them is left, and the bundle may have left the settings: no call would come.
        """
        for mark in (self.state / "bundles").glob("*.failed"):
            if not mark.with_suffix(".json").exists():
                gone(mark)
