"""The agent itself on a host: its recovery unit, its state, and how both go away."""

from __future__ import annotations

import contextlib
import os
import shutil
import zipfile

from .compiled import compile_archive
from .files import Want, gone, look, place
from .paths import AGENT, PREFIX, RECOVER_PATH, RECOVER_TEXT, RECOVER_UNIT, UPLOADS, VERSION
from .process import Failure
from .undo import Undo
from .words import explain


class Setup(Undo):
    """Sets the agent up and takes the agent away."""

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
            if not self.unit_state(RECOVER_UNIT).enabled:
                self.must("enable", RECOVER_UNIT)
            archive = self.real(AGENT)
            if zipfile.is_zipfile(archive):
                try:
                    compile_archive(archive, self.state)
                except OSError as error:  # each start takes longer, and nothing else is different
                    self.warn(explain(error, "the agent's byte code was not written"))
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
