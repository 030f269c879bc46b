"""The verbs of mx-agent: apply, rollback, remove, status, recover, install, uninstall."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import cast

from .drift import Drift
from .files import Want, concatenate, digest, gid_of, gone, look, pieces, place, uid_of, write_state
from .manifest import NAME, parse_manifest
from .paths import (
    AGENT,
    APT_TIMEOUT,
    NAMESPACE,
    PREFIX,
    RECOVER_PATH,
    RECOVER_TEXT,
    RECOVER_UNIT,
    UPLOADS,
    VERSION,
)
from .process import BadManifest, Failure, Json
from .records import given, mark_of, no_record
from .transaction import Transaction


class Agent(Transaction, Drift):
    """One call of the agent; the verbs are its methods."""

    def apply(self, text: str) -> None:
        """Apply a manifest as one transaction."""
        self._call = {"text": text, "given": digest(text.encode()), "rolled_back": False}
        self._transact(text)

    def rollback(self, name: str) -> None:
        """Apply the manifest that a bundle had before the present one."""
        with self.lock():
            self.recover_locked()
            record = self.records().get(name)
        if record is None:
            raise Failure(f"bundle {name!r} is not applied on this host")
        text = record.get("previous")
        if not text:
            raise Failure(
                f"{name}: there is no former state to go back to (one with a secret in it is not "
                "kept); nothing has been changed"
            )
        # A second rollback is the way forward again.
        back = not record.get("rolled_back", False)
        self._call = {"text": text, "given": digest(text.encode()), "rolled_back": back}
        self._transact(text)

    def _transact(self, text: str) -> None:
        manifest = parse_manifest(text)
        self.begun = []
        if self._has_secret(manifest):
            self._call["text"] = ""
        hidden = [e["content"] for e in manifest["files"].values() if e["secret"]]
        hidden += [step["stdin"] for step in manifest["run"] if step["secret"]]
        self.secrets = sorted(
            {
                line.strip()
                for text in hidden
                for line in text.splitlines()
                if len(line.strip()) >= 4
            },
            key=len,
            reverse=True,
        )
        with self.lock():
            self.recover_locked()
            try:
                with self.noted(manifest["bundle"]):
                    self._apply(manifest, digest(json.dumps(manifest, sort_keys=True).encode()))
            finally:
                self.settle_groups()

    def _apply(self, manifest: Json, sha: str) -> None:
        name = manifest["bundle"]
        records = self.records()
        for record in records.values():
            if record["owner"] != manifest["owner"]:
                raise Failure(
                    f"this host belongs to the stack {record['owner']!r}, not to "
                    f"{manifest['owner']!r}; nothing has been changed"
                )
        old = records.pop(name, None) or no_record(name, manifest["owner"])
        made = [path for step in manifest["build"] for path in step["makes"]]
        for other in records.values():
            taken = self.claims(other) & {*manifest["files"], *made}
            taken |= {*other["files"], *other["made"]} & {*manifest["assemble"]}
            if taken:
                raise Failure(f"{sorted(taken)[0]} already belongs to bundle {other['bundle']!r}")
        missing = self.missing_packages(manifest["packages"])
        finished = not missing and not self.drift(old, {name: old, **records}, self.seen([old]))
        if old["sha"] == sha and finished:
            # A rollback that the stack has followed is none any more.
            if self._call != {key: old.get(key) for key in self._call}:
                store = self.state / "bundles" / (name + ".json")
                old.update(self._call)
                write_state(store, json.dumps(old, sort_keys=True, indent=1))
            self.say(f"{name}: nothing to do")
            return
        self.let_start(manifest["units"])
        prior = self.unit_states(manifest["units"])
        if missing:
            self.step("packages", " ".join(missing))
            self.hold_back([unit for unit, state in prior.items() if not state["active"]])
            try:
                self.install(missing, manifest["debconf"])
            finally:
                self.let_start(manifest["units"])
        self.refuse_foreign(manifest)
        joined = self.join_groups(manifest["groups"])

        writes: dict[str, Want] = {}
        for path, entry in manifest["files"].items():
            writes[path] = Want(
                data=entry["content"].encode(),
                mode=int(entry["mode"], 8),
                uid=uid_of(entry["owner"]),
                gid=gid_of(entry["group"]),
            )
        strays = self.strays(
            manifest["directories"], records, {*writes, *manifest["assemble"], *made}
        )
        strays = sorted({*strays, *old["strays"]} - {*writes, *manifest["assemble"], *made})
        strays = [
            path
            for path in strays
            if any(
                str(Path(path).parent) == d
                for d, e in manifest["directories"].items()
                if e["exclusive"]
            )
        ]
        for path in strays:
            writes[path] = Want()
        assemble = dict(manifest["assemble"])
        shared = {path for other in records.values() for path in other["assemble"]}
        mine = {*writes, *assemble, *made}
        leaving = {*self.claims(old), *old["strays"]} - mine - shared
        for path in leaving:
            writes[path] = self.original(path)
        touched = {str(Path(path).parent) for path in (*writes, *self.claims(old))}
        for other in records.values():
            for path, entry in other["assemble"].items():
                if path not in assemble and entry["directory"] in touched:
                    assemble[path] = entry

        self.step("stage", f"{len(writes) + len(assemble)} paths")
        plan = {
            "directories": manifest["directories"],
            "writes": {path: want.to_json() for path, want in writes.items()},
            "assemble": assemble,
            "build": manifest["build"],
            "check": manifest["check"],
        }
        result = self.stage(plan)
        self.step("checked", f"{len(manifest['build'])} built, {len(manifest['check'])} checks")
        wants = dict(writes)
        wants.update((path, Want.from_json(value)) for path, value in result["made"].items())
        last = {path: Want.from_json(value) for path, value in result["assembled"].items()}
        for path in last:
            wants.pop(path, None)
        wants.update(last)

        record = no_record(name, manifest["owner"])
        same = old["sha"] == sha
        record.update(
            self._call,
            previous=old.get("previous", "") if same else old.get("text", ""),
            sha=sha,
            packages=manifest["packages"],
            directories=manifest["directories"],
            assemble=manifest["assemble"],
            strays=strays,
            units=manifest["units"],
            groups=manifest["groups"],
            undo=manifest["undo"],
            compare=manifest["compare"],
            creates=[step["creates"] for step in manifest["run"] if step["creates"]],
        )
        for path in manifest["files"]:
            record["files"][path] = {
                **mark_of(wants[path]),
                "restart": manifest["files"][path]["restart"],
            }
        for path in made:
            record["made"][path] = mark_of(wants[path])
        self.transaction(manifest, old, records, record, wants, leaving, prior, joined)

    def remove(self, name: str) -> None:
        """Remove a bundle: what was there before it comes back."""
        if not NAME.match(name):
            raise BadManifest(f"{name!r} is not the name of a bundle")
        with self.lock():
            self.recover_locked()
            records = self.records()
            old = records.pop(name, None)
            if old is None:
                self.say(f"{name}: is not applied, nothing to do")
                return
            shared = {path for other in records.values() for path in other["assemble"]}
            leaving = {*self.claims(old), *old["strays"]} - shared
            wants = {path: self.original(path) for path in leaving}
            away = leaving - {path for path, want in wants.items() if not want.absent}
            touched = {str(Path(path).parent) for path in leaving}
            for other in records.values():
                for path, entry in other["assemble"].items():
                    if entry["directory"] in touched and path not in wants:
                        found = [
                            piece
                            for piece in pieces(self.root, entry["directory"])
                            if entry["directory"] + "/" + piece.name not in away
                        ]
                        if found:
                            wants[path] = Want(
                                data=concatenate(found),
                                mode=int(entry["mode"], 8),
                                uid=uid_of(entry["owner"]),
                                gid=gid_of(entry["group"]),
                            )
            manifest = parse_manifest(json.dumps({"bundle": name, "owner": old["owner"]}))
            self._run_steps(name, old.get("undo", []))
            self.transaction(manifest, old, records, None, wants, leaving, {})
            gone(self.state / "bundles" / (name + ".failed"))
            self.settle_groups()

    def status(self, name: str | None = None) -> Json:
        """Return what is applied and what has drifted from it."""
        records = self.records()
        if name is not None and name not in records:
            raise Failure(f"bundle {name!r} is not applied on this host")
        owners = sorted({record["owner"] for record in records.values()})
        seen = self.seen(record for key, record in records.items() if name in (None, key))
        return {
            "version": VERSION,
            "time": round(time.time()),
            "owner": owners[0] if owners else None,
            "unfinished": self.journal_path.exists(),
            "failed": {
                path.stem: path.read_text()
                for path in sorted((self.state / "bundles").glob("*.failed"))
            },
            "bundles": {
                key: {
                    "sha": record["sha"],
                    "applied": record["applied"],
                    "given": given(record),
                    "former": bool(record.get("previous")),
                    "drift": self.explained(record, records, seen),
                }
                for key, record in records.items()
                if name in (None, key)
            },
        }

    def recover(self, boot: bool = False) -> None:
        """Undo or finish what a killed run left behind."""
        self.boot = boot
        with self.lock():
            if not self.recover_locked():
                self.say("nothing to recover")

    def install_self(self) -> None:
        """Put the recovery unit in place and end what nothing else ends; the bootstrap calls it."""
        with self.lock():
            self.recover_locked()
            self.forget_failures()
            gone(self.state / "heal")  # of an agent before 1.4
            real = self.real(RECOVER_PATH)
            want = Want(RECOVER_TEXT.encode(), None, 0o644, os.geteuid(), os.getegid())
            if look(real) != want:
                real.parent.mkdir(parents=True, exist_ok=True)
                fresh = real.with_name(PREFIX + "install")
                gone(fresh)
                place(fresh, want)
                fresh.rename(real)
                self.must("daemon-reload")
            if not self.unit_state(RECOVER_UNIT)["enabled"]:
                self.must("enable", RECOVER_UNIT)
            self.say(f"mx-agent {VERSION} installed")

    def uninstall(self) -> None:
        """Remove the agent, its unit and its state, when no bundle is applied any more."""
        with self.lock():
            self.recover_locked()
            left = sorted(self.records())
            if left:
                raise Failure(f"bundles are still applied: {', '.join(left)}; remove them first")
            if self.real(RECOVER_PATH).exists():
                self.must("disable", RECOVER_UNIT)
                gone(self.real(RECOVER_PATH))
                self.must("daemon-reload")
            shutil.rmtree(self.state)
            if self.real(UPLOADS).is_dir():
                shutil.rmtree(self.real(UPLOADS))
            gone(self.real(AGENT))
        with contextlib.suppress(OSError):
            self.real("/run/mx-agent").rmdir()
        self.say("mx-agent uninstalled")

    def stage(self, plan: Json) -> Json:
        """Stage in a namespace of its own; return assembled and made files."""
        argv = [*NAMESPACE, sys.executable, "-I", os.path.abspath(sys.argv[0]), "_stage"]
        done = self.run(argv, json.dumps(plan).encode(), APT_TIMEOUT)
        if done.code != 0:
            raise Failure(f"staging: {done.words()}; nothing has been changed")
        answer = cast(Json, json.loads(done.out))
        if "failure" in answer:
            raise Failure(f"{answer['failure']}\nnothing has been changed")
        return answer
