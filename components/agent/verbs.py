"""The verbs of mx-agent that change or show what is applied on the host."""

from __future__ import annotations

import json
import re
import time

from .change import Change
from .files import digest, gone
from .manifest import NAME, parse_manifest
from .paths import VERSION
from .planning import Planning
from .process import BadManifest, Failure, Json, ignore_signals
from .record import Call
from .records import holding
from .redaction import redacter
from .setup import Setup
from .transaction import Transaction
from .words import explain


class Agent(Transaction, Planning, Setup):
    """One call of the agent; the verbs are its methods."""

    def apply(self, text: str) -> None:
        """Apply a manifest as one transaction."""
        self._transact(text, rolled_back=False)

    def rollback(self, name: str) -> None:
        """Apply the manifest that a bundle had before the present one."""
        with self.lock():
            self.recover_locked()
            record = self.records().get(name)
        if record is None:
            raise Failure(f"bundle {name!r} is not applied on this host")
        if not record.previous:
            raise Failure(
                f"{name}: there is no former state to go back to (one with a secret in it is not "
                "kept); nothing has been changed"
            )
        # A second rollback is the way forward again.
        self._transact(record.previous, rolled_back=not record.rolled_back)

    def _transact(self, text: str, rolled_back: bool) -> None:
        self._call = Call(text, digest(text.encode()), rolled_back)
        manifest = parse_manifest(text)
        self.begun = []
        if self._has_secret(manifest):
            self._call.text = ""
        self.secrets = _secrets(manifest)
        with self.lock(first=self._waits_beside(manifest)):
            self.recover_locked()
            try:
                with self.noted(manifest["bundle"]), self.way_back():
                    sha = digest(json.dumps(manifest, sort_keys=True).encode())
                    change = self._worked_out(manifest, sha)
                    if change is not None:
                        self.transaction(change)
            finally:
                self.settle_groups()
        if change is not None and change.unlocked:
            with self.noted(manifest["bundle"]):
                self._run_unlocked(manifest["bundle"], change.unlocked)

    def _waits_beside(self, manifest: Json) -> bool:
        """Whether a bundle that is new here has a command that waits while others are applied.

        The sooner that begins, the sooner all is done.
        """
        new = not (self.state / "bundles" / f"{manifest['bundle']}.json").exists()
        return new and any(step.get("unlocked") for step in manifest["run"])

    def _run_unlocked(self, name: str, steps: list[Json]) -> None:
        """Run commands of a bundle that was just applied for the first time, without the lock.

        Raises Failure with the words of the one that fails; the bundle is removed by then. Where
        that fails too, or this process is killed, the mark of _run_steps makes the bundle drift,
        and the next apply runs all of its commands.
        """
        try:
            with holding(self._unfinished(name)):
                self._run_steps(name, steps)
        except BaseException as error:
            ignore_signals()
            undone = self._removed_again(name)
            if isinstance(error, Failure):
                raise Failure(f"{error}\n{undone}") from error
            raise
        gone(self._unfinished(name))

    def _removed_again(self, name: str) -> str:
        """Remove a bundle whose commands failed; the words for what became of it."""
        try:
            self.remove(name)
        except (Failure, OSError) as error:
            words = explain(error, "remove") if isinstance(error, OSError) else str(error)
            return f"{words}; the files of {name} stay until the next apply of this bundle"
        return "all undone, the old state is back"

    def _worked_out(self, manifest: Json, sha: str) -> Change | None:
        """The change that makes the host as the manifest says. Raises Failure."""
        try:
            return self.work_out(manifest, sha)
        except OSError as error:
            raise Failure(f"{explain(error, 'apply')}\nnothing has been changed") from error

    def remove(self, name: str) -> None:
        """Remove a bundle: what was there before it comes back."""
        if not NAME.match(name):
            raise BadManifest(f"{name!r} is not the name of a bundle")
        with self.lock():
            self.recover_locked()
            change = self.work_out_removal(name)
            if change is None:
                return
            self._run_steps(name, change.old.undo)
            self.transaction(change)
            gone(self.state / "bundles" / (name + ".failed"))
            self.settle_groups()

    def status(self, name: str | None = None) -> Json:
        """Return what is applied and what has drifted from it."""
        records = self.records()
        if name is not None and name not in records:
            raise Failure(f"bundle {name!r} is not applied on this host")
        owners = sorted({record.owner for record in records.values()})
        seen = self.seen(record for key, record in records.items() if name in (None, key))
        return {
            "version": VERSION,
            "time": round(time.time()),
            "owner": owners[0] if owners else None,
            "unfinished": self.journal_path.exists(),
            "busy": self.at_work(),
            "failed": {
                path.stem: path.read_text()
                for path in sorted((self.state / "bundles").glob("*.failed"))
            },
            "bundles": {
                key: {
                    "sha": record.sha,
                    "applied": record.applied,
                    "given": record.given_digest,
                    "former": bool(record.previous),
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


def _secrets(manifest: Json) -> re.Pattern[str] | None:
    """What no output may show of a manifest."""
    texts = [entry["content"] for entry in manifest["files"].values() if entry["secret"]]
    return redacter(texts + [step["stdin"] for step in manifest["run"] if step["secret"]])
