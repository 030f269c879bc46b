"""From a manifest and the records to a change that is staged and checked."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from .change import Change
from .drift import Drift
from .files import Want, concatenate, gid_of, pieces, uid_of
from .journal import UnitState
from .manifest import parse_manifest
from .paths import APT_TIMEOUT, NAMESPACE
from .plan import Plan, Staged
from .probes import Probes
from .process import Failure, Json, NotOurs
from .record import Mark, Record


class Planning(Drift, Probes):
    """Works changes out; the host's files are as before when a method of this class returns."""

    def work_out(self, manifest: Json, sha: str) -> Change | None:
        """The change that applies a manifest; None when everything is as it says.

        Installs missing packages, and those that now come from another repository. Raises Failure
        when the host belongs to another stack, a path to another bundle, or a check fails.
        """
        name, owner = manifest["bundle"], manifest["owner"]
        records = self.records()
        _refuse_other_owner(records.values(), owner)
        old = records.pop(name, None) or Record(name, owner)
        made = [path for step in manifest["build"] for path in step["makes"]]
        _refuse_taken(records, manifest, made)
        missing = self.missing_packages(manifest["packages"])
        finished = not missing and not self.drift(old, {name: old, **records}, self.seen([old]))
        if old.sha == sha and finished:
            # A rollback that the stack has followed is none any more.
            if old.call != self._call:
                old.call = self._call
                self.keep(old)
            self.say(f"{name}: nothing to do")
            return None
        newer = self.newer(manifest.get("newest", {}), old.newest)
        prior = self._install(manifest, missing, newer)
        self.refuse_foreign(manifest)
        joined = self.join_groups(manifest["groups"])

        strays = self._strays_of(manifest, old, records, made)
        writes = {path: _file(entry) for path, entry in manifest["files"].items()}
        writes.update((path, Want()) for path in strays)
        mine = {*writes, *manifest["assemble"], *made}
        leaving = {*old.claims, *old.strays} - mine - _owned(records)
        writes.update((path, self.original(path)) for path in leaving)
        assemble = {**manifest["assemble"]}
        touched = {str(Path(path).parent) for path in (*writes, *old.claims)}
        for other in records.values():
            for path, entry in other.assemble.items():
                if path not in assemble and entry["directory"] in touched:
                    assemble[path] = entry
        failing = self.failing_before(manifest["probe"])
        wants = self._staged(manifest, writes, assemble)
        record = self._record(manifest, old, sha, strays, made, wants)
        return Change(manifest, old, records, record, wants, leaving, prior, joined, failing())

    def work_out_removal(self, name: str) -> Change | None:
        """The change that removes a bundle; None when the bundle is not applied."""
        records = self.records()
        old = records.pop(name, None)
        if old is None:
            self.say(f"{name}: is not applied, nothing to do")
            return None
        leaving = {*old.claims, *old.strays} - _owned(records)
        wants = {path: self.original(path) for path in leaving}
        away = leaving - {path for path, want in wants.items() if not want.absent}
        touched = {str(Path(path).parent) for path in leaving}
        for other in records.values():
            for path, entry in other.assemble.items():
                if entry["directory"] not in touched or path in wants:
                    continue
                found = [
                    piece
                    for piece in pieces(self.root, entry["directory"])
                    if entry["directory"] + "/" + piece.name not in away
                ]
                if found:
                    wants[path] = _with_attributes(entry, concatenate(found))
        manifest = parse_manifest(json.dumps({"bundle": name, "owner": old.owner}))
        return Change(manifest, old, records, None, wants, leaving, {})

    def _install(
        self, manifest: Json, missing: list[str], newer: dict[str, str]
    ) -> dict[str, UnitState]:
        """Install missing and newer packages; return the manifest's units as they were before.

        Units of `held` that are new are disabled: other bundles start them, with our files.
        """
        units = [*manifest["units"], *manifest["held"]]
        prior = self.let_start(units)
        self.keep_former(newer, [unit for unit, state in prior.items() if state.active])
        if missing := [*missing, *newer]:
            self.step("packages", " ".join(missing))
            idle = [unit for unit, state in prior.items() if not state.active]
            self.hold_back(idle)
            try:
                self.install(missing, manifest["debconf"])
            finally:
                now = self.let_start(units, idle)
                enabled = [unit for unit in manifest["held"] if now[unit].enabled]
                if new := [unit for unit in enabled if not prior[unit].enabled]:
                    self.must("disable", *new)
        return prior

    def _strays_of(
        self, manifest: Json, old: Record, records: dict[str, Record], made: list[str]
    ) -> list[str]:
        """Files in the manifest's exclusive directories that no bundle owns, now or before."""
        mine = {*manifest["files"], *manifest["assemble"], *made}
        # A stray of before may be another bundle's by now, on a host that lost its records all are.
        known = {*old.strays} - _owned(records)
        strays = {*self.strays(manifest["directories"], records, mine), *known} - mine
        exclusive = {path for path, entry in manifest["directories"].items() if entry["exclusive"]}
        return sorted(path for path in strays if str(Path(path).parent) in exclusive)

    def _staged(self, manifest: Json, writes: dict[str, Want], assemble: Json) -> dict[str, Want]:
        """Stage and check; return what shall be at each path, assembled files last."""
        self.step("stage", f"{len(writes) + len(assemble)} paths")
        build, check = manifest["build"], manifest["check"]
        staged = self.stage(Plan(manifest["directories"], writes, assemble, build, check))
        self.step("checked", f"{len(build)} built, {len(check)} checks")
        wants = {**writes, **staged.made}
        for path in staged.assembled:
            wants.pop(path, None)
        return {**wants, **staged.assembled}

    def _record(
        self,
        manifest: Json,
        old: Record,
        sha: str,
        strays: list[str],
        made: list[str],
        wants: dict[str, Want],
    ) -> Record:
        record = Record(
            bundle=manifest["bundle"],
            owner=manifest["owner"],
            sha=sha,
            previous=old.previous if old.sha == sha else old.text,
            packages=manifest["packages"],
            newest=manifest.get("newest", {}),
            directories=manifest["directories"],
            files={
                path: Mark.of(wants[path], entry["restart"])
                for path, entry in manifest["files"].items()
            },
            made={path: Mark.of(wants[path]) for path in made},
            assemble=manifest["assemble"],
            strays=strays,
            units=manifest["units"],
            groups=manifest["groups"],
            undo=manifest["undo"],
            compare=manifest["compare"],
            creates=[step["creates"] for step in manifest["run"] if step["creates"]],
        )
        record.call = self._call
        return record

    def stage(self, plan: Plan) -> Staged:
        """Stage in a namespace of its own; return assembled and made files."""
        argv = [*NAMESPACE, sys.executable, "-I", os.path.abspath(sys.argv[0]), "_stage"]
        done = self.run(argv, plan.text().encode(), APT_TIMEOUT)
        if done.code != 0:
            raise Failure(f"staging: {done.words()}; nothing has been changed")
        staged = Staged.read(done.out)
        if staged.failure:
            raise Failure(f"{staged.failure}\nnothing has been changed")
        return staged


def _file(entry: Json) -> Want:
    return _with_attributes(entry, entry["content"].encode())


def _with_attributes(entry: Json, data: bytes) -> Want:
    uid, gid = uid_of(entry["owner"]), gid_of(entry["group"])
    return Want(data=data, mode=int(entry["mode"], 8), uid=uid, gid=gid)


def _refuse_other_owner(records: Iterable[Record], owner: str) -> None:
    for record in records:
        if record.owner != owner:
            raise NotOurs(
                f"this host belongs to the stack {record.owner!r}, not to {owner!r}; nothing has "
                "been changed"
            )


def _refuse_taken(records: dict[str, Record], manifest: Json, made: list[str]) -> None:
    for other in records.values():
        taken = other.claims & {*manifest["files"], *made}
        taken |= {*other.files, *other.made} & {*manifest["assemble"]}
        if taken:
            raise Failure(f"{sorted(taken)[0]} already belongs to bundle {other.bundle!r}")


def _owned(records: dict[str, Record]) -> set[str]:
    """The paths that these bundles own."""
    return {path for record in records.values() for path in record.claims}
