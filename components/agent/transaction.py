"""A change as one transaction: journal, swap, restart, probe, else undo."""

from __future__ import annotations

import json
import os
import stat
import time
from dataclasses import asdict
from pathlib import Path

from .change import Change
from .files import Want, gone, look, place, sync_directory, write_state
from .journal import COMMITTED, SWAPPING, Journal, Target
from .paths import PREFIX
from .probes import Probes
from .process import Failure, Json, ignore_signals
from .records import leaving_directories
from .restarts import restarts
from .staging import set_attributes
from .undo import Undo
from .words import explain, lines_of


class Transaction(Undo, Probes):
    """One change of one bundle."""

    def transaction(self, change: Change) -> None:
        """Swap to the wanted files under a journal, a guardian and the units' own judgement.

        Raises Failure with the words of what failed; everything is undone by then.
        """
        journal = self._journal(change)
        guardian = self.start_guardian()
        try:
            try:
                self.step("copy", f"{len(journal.targets)} changed of {len(change.wants)} paths")
                self.write_journal(journal)
                self._copy(journal, change)
                journal.phase = SWAPPING
                self.step("journal")
                self.write_journal(journal)
                for unit in change.leaving_units:
                    self._leave_unit(unit)
                self.step("swap", " ".join(t.path for t in journal.targets) or "no file changes")
                self._swap(journal)
                leaving, shared = change.leaving_units, change.shared_units
                self._start_units(journal, change.manifest, shared, leaving)
                steps = change.manifest["run"]
                self._run_steps(journal.bundle, steps[: len(steps) - len(change.unlocked)])
                try:
                    self._probe_all(change.manifest, change.failing)
                except Failure:
                    # A reload does not bring back what died: master(8) holds a daemon that
                    # fails back for service_throttle_time, and mail with it.
                    journal.restart = sorted({*journal.restart, *change.manifest["units"]})
                    raise
                self.step("record")
                if journal.unlocked:
                    write_state(self._unfinished(journal.bundle), "")
                journal.phase = COMMITTED
                self.write_journal(journal)
            except BaseException as error:
                # Every failure, an interrupt included, must be undone before it goes on.
                ignore_signals()
                undone = self._undone(journal)
                if isinstance(error, OSError):
                    raise Failure(f"{explain(error, 'apply')}\n{undone}") from error
                if isinstance(error, Failure):
                    raise Failure(f"{error}\n{undone}") from error
                raise
            self._complete(journal)
            self.step("done", journal.bundle)
        finally:
            guardian()

    def _complete(self, journal: Journal) -> None:
        """Finish a change that is in effect. Raises Failure when no record of it can be written."""
        try:
            self.finish(journal)
        except OSError as error:
            raise Failure(
                f"{explain(error, 'apply')}\nthe change is in effect; the next call of mx-agent, "
                "or the next boot, writes its record"
            ) from error

    def _undone(self, journal: Journal) -> str:
        """Undo a change; the words for what became of it."""
        try:
            return self.undo(journal)
        except OSError as error:
            return (
                f"{explain(error, 'undo')}; the next call of mx-agent, or the next boot, undoes "
                "the rest of this change"
            )

    def _journal(self, change: Change) -> Journal:
        """Compare the host with what is wanted; complete the record of the change."""
        manifest, old, record = change.manifest, change.old, change.record
        targets = self._targets(change.wants)
        changed = [target.path for target in targets]
        made_dirs = self._new_directories(manifest["directories"], change.wants, changed)
        dirs_before = self._attributes(set(manifest["directories"]) - {*made_dirs})
        if record is not None:
            record.made_dirs = sorted({*old.made_dirs, *made_dirs})
            new = {path: was for path, was in dirs_before.items() if path not in old.made_dirs}
            record.dir_originals = {**new, **old.dir_originals}
            record.applied = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        asked = {
            path: [
                *manifest["files"].get(path, {}).get("restart", []),
                *(old.files[path].restart if path in old.files else []),
            ]
            for path in changed
        }
        restart = restarts(asked, old.units, manifest["units"])
        if change.joined:  # a process gets the groups of its user when it starts
            restart |= set(manifest["units"])
        units = [*manifest["units"], *change.shared_units, *change.leaving_units]
        units += [unit for unit in sorted(restart) if unit not in units]
        claimed = old.claims.union(*(other.claims for other in change.others.values()))
        old_dirs, heirs = leaving_directories(old, record, change.others)
        return Journal(
            bundle=manifest["bundle"],
            targets=targets,
            made_dirs=made_dirs,
            dirs_before=dirs_before,
            originals=[
                path
                for path in changed
                if path not in change.leaving
                and path not in claimed
                and not self._original(path).exists()
            ],
            unit_originals=[
                unit for unit in manifest["units"] if not self._unit_original(unit).exists()
            ],
            originals_done=sorted(change.leaving),
            unit_originals_done=change.leaving_units,
            units=self.unit_states(units),
            restart=sorted(restart),
            daemon_reload=any("/systemd/" in path for path in changed),
            reload=bool(changed),
            record=record,
            old_dirs=old_dirs,
            heirs=heirs,
            unlocked=bool(change.unlocked),
        )

    def _targets(self, wants: dict[str, Want]) -> list[Target]:
        """The paths that differ from what is wanted, with the names of the files beside them."""
        stamp = f"{os.getpid()}-{time.time_ns()}"
        targets = []
        for number, (path, want) in enumerate(wants.items()):
            now = look(self.real(path))
            if now == want:
                continue
            beside = str(Path(path).parent / f"{PREFIX}{stamp}-{number}")
            new = None if want.absent else beside + ".new"
            targets.append(Target(path, new, None if now.absent else beside + ".old"))
        return targets

    def _attributes(self, directories: set[str]) -> dict[str, list[int]]:
        """Mode, user and group of directories that are there."""
        found = {}
        for path in sorted(directories):
            info = self.real(path).stat()
            found[path] = [stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid]
        return found

    def write_journal(self, journal: Journal) -> None:
        """Write the journal durably."""
        write_state(self.journal_path, journal.text())

    def _new_directories(
        self, directories: Json, wants: dict[str, Want], changed: list[str]
    ) -> list[str]:
        needed = list(directories)
        needed += [str(Path(path).parent) for path in changed if not wants[path].absent]
        new: set[str] = set()
        for path in needed:
            place_ = Path(path)
            while not self.real(str(place_)).exists():
                new.add(str(place_))
                place_ = place_.parent
            if not self.real(str(place_)).is_dir():
                raise Failure(f"{place_}: is not a directory")
        return sorted(new)

    def _copy(self, journal: Journal, change: Change) -> None:
        for path in journal.made_dirs:
            self.real(path).mkdir(mode=0o755)
            self.real(path).chmod(0o755)
            sync_directory(self.real(path).parent)
        # First of all: from here on nobody else changes what lies in them.
        for path, attributes in change.manifest["directories"].items():
            set_attributes(self.real(path), attributes)
        for path in journal.originals:
            text = json.dumps(look(self.real(path)).to_json())
            write_state(self._original(path), text)
        for unit in journal.unit_originals:
            write_state(self._unit_original(unit), json.dumps(asdict(change.prior[unit])))
        parents = set()
        for target in journal.targets:
            real = self.real(target.path)
            if target.new is not None:
                place(self.real(target.new), change.wants[target.path])
            if target.old is not None:
                os.link(real, self.real(target.old), follow_symlinks=False)
            if real.parent.is_dir():
                parents.add(real.parent)
        for parent in sorted(parents):
            sync_directory(parent)

    def _swap(self, journal: Journal) -> None:
        parents = set()
        for target in journal.targets:
            real = self.real(target.path)
            if target.new is not None:
                os.rename(self.real(target.new), real)
            else:
                gone(real)
            if real.parent.is_dir():
                parents.add(real.parent)
        for parent in sorted(parents):
            sync_directory(parent)

    def _run_steps(self, name: str, steps: list[Json]) -> None:
        """Run a bundle's own commands on the real system.

        What they did is not undone with the files, so a mark says that they ran: it goes with
        the record of this change, and until then no apply is "nothing to do". The commands of
        `undo` come here too, before `remove` takes the files away.
        """
        if steps and not self._unfinished(name).exists():
            write_state(self._unfinished(name), "")
        for step in steps:
            what = " ".join(step["run"])
            if step["creates"] and os.path.lexists(self.real(step["creates"])):
                continue
            self.step("run", what)
            self.begun.append(what)
            done = self.run([*self.tied, *step["run"]], step["stdin"].encode(), step["timeout"])
            if done.code != 0:
                self.begun.remove(what)  # its own words say what it left
                raise Failure(f"run {what}: {done.words()}")
            for line in lines_of(done.out):
                self.say("  " + line)
            if step["creates"] and not os.path.lexists(self.real(step["creates"])):
                raise Failure(f"run {what}: did not create {step['creates']}")
