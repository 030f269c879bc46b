"""The way back: undo a change that failed, finish or undo one that was cut off."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable

from .files import gone, own_directory, sync_directory
from .groups import Groups
from .journal import COMMITTED, COPYING, Journal
from .process import ignore_signals
from .record import Record, read_state
from .units import Units, mask_verb


class Undo(Units, Groups):
    """The way back."""

    def undo(self, journal: Journal) -> str:
        """Bring back what was there before; may be called again after it was cut off."""
        if not self.journal_path.exists() and journal.phase == COPYING:
            return "nothing has been changed"
        swapped = journal.phase != COPYING
        if swapped:
            self.step("undo", journal.bundle)
            self._undo_new_units(journal)
        parents = set()
        for target in journal.targets:
            real = self.real(target.path)
            if target.new is not None:
                gone(self.real(target.new))
            if target.old is not None:
                kept = self.real(target.old)
                if os.path.lexists(kept):
                    if swapped:
                        os.rename(kept, real)
                    # rename does nothing when both names are the same file
                    gone(kept)
            elif swapped:
                gone(real)
            if real.parent.is_dir():
                parents.add(real.parent)
        for path, (mode, uid, gid) in journal.dirs_before.items():
            real = self.real(path)
            if real.is_dir():
                own_directory(real, mode, uid, gid)
        for parent in sorted(parents):
            sync_directory(parent)
        self.settle_groups()  # before the units restart
        troubles = self._undo_units(journal) if swapped else []
        for path in reversed(journal.made_dirs):
            with contextlib.suppress(OSError):  # a directory that is in use stays
                self.real(path).rmdir()
        for path in journal.originals:
            gone(self._original(path))
        for unit in journal.unit_originals:
            gone(self._unit_original(unit))
        gone(self.journal_path)
        sync_directory(self.state)
        if self.begun:
            troubles.append(f"what `{'`, `'.join(self.begun)}` did stays until the next apply")
        if troubles:
            return "the old files are back, but: " + "; ".join(troubles)
        return "all undone, the old state is back" if swapped else "nothing has been changed"

    def _undo_new_units(self, journal: Journal) -> None:
        """Stop and disable what the change started, while the files of the units are there."""
        for unit, before in journal.units.items():
            now = self.unit_state(unit)
            if now.active and not before.active and not self.boot:
                self.systemctl("stop", unit)
            if now.enabled and not before.enabled:
                self.systemctl("disable", unit)

    def _undo_units(self, journal: Journal) -> list[str]:
        troubles = []

        def attempt(*argv: str) -> None:
            done = self.systemctl(*argv)
            if done.code != 0:
                troubles.append(f"systemctl {' '.join(argv)}: {done.words()}")

        if journal.daemon_reload:
            attempt("daemon-reload")
        for unit, before in journal.units.items():
            now = self.unit_state(unit)
            if now.enabled and not before.enabled:
                attempt("disable", unit)
            elif before.enabled and not now.enabled:
                attempt("enable", unit)
            if self.boot:
                continue  # the services start later in this boot, with the old files
            if before.active and not now.active:
                self.systemctl("reset-failed", unit)
                attempt("start", unit)
            elif before.active:
                if unit in journal.restart or not self.can_reload(unit):
                    self.systemctl("reset-failed", unit)
                    attempt("restart", unit)
                elif self.systemctl("reload", unit).code != 0:
                    attempt("restart", unit)
            else:
                # Also a unit that failed in between goes back to plain inactive.
                self.systemctl("stop", unit)
                self.systemctl("reset-failed", unit)
            if before.masked and now.masked != before.masked:
                attempt(*mask_verb("mask", before.masked), unit)
        return troubles

    def finish(self, journal: Journal) -> None:
        """Record a committed change and clean up; may be called again after it was cut off."""
        store = self.record_path(journal.bundle)
        if journal.record is None:
            gone(store)
        else:
            self.keep(journal.record)
        if not journal.unlocked:
            gone(self._unfinished(journal.bundle))
        for name, entries in journal.heirs.items():
            record = Record.of(read_state(self.record_path(name)))
            for path, attributes in entries:
                if attributes is None:
                    record.made_dirs = sorted({*record.made_dirs, path})
                else:
                    record.dir_originals[path] = attributes
            self.keep(record)
        for target in journal.targets:
            if target.old is not None:
                gone(self.real(target.old))
        for path in journal.originals_done:
            gone(self._original(path))
        for unit in journal.unit_originals_done:
            gone(self._unit_original(unit))
        for path, attributes in journal.old_dirs:
            real = self.real(path)
            if attributes is None:
                with contextlib.suppress(OSError):  # a directory that is in use stays
                    real.rmdir()
            elif real.is_dir():
                own_directory(real, *attributes)
        sync_directory(store.parent)
        gone(self.journal_path)
        sync_directory(self.state)

    def recover_locked(self) -> bool:
        """Undo or finish by the journal, with the lock held; tell whether there was one."""
        if not self.journal_path.exists():
            self.settle_groups()
            return False
        journal = Journal.read(self.journal_path)
        if journal.phase == COMMITTED:
            self.finish(journal)
            self.step("recover", f"{journal.bundle}: a committed change was finished")
        else:
            words = self.undo(journal)
            self.step("recover", f"{journal.bundle}: an unfinished change: {words}")
        self.settle_groups()
        return True

    def start_guardian(self) -> Callable[[], None]:
        """Fork the process that recovers when this one dies; return how to end it.

        The guardian inherits the lock, so that nobody gets in between.
        """
        read, write = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.close(write)
                os.setsid()
                ignore_signals()
                if os.read(read, 1) == b"":
                    self.recover_locked()
                code = 0
            except Exception as error:
                # The guardian has nobody to raise to: it says it, the next call recovers.
                self.warn(f"guardian: {error}")
            finally:
                os._exit(code)
        os.close(read)

        def end() -> None:
            with contextlib.suppress(BrokenPipeError):
                os.write(write, b".")
            os.close(write)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)

        return end
