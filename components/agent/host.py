"""The host that the agent works on: its root, its clock, its output without secrets."""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path

from .files import gid_of, uid_of
from .paths import LOCK_WAIT, ROOT_GROUP, STAFF_GROUP, STATE
from .process import Failure, Json, Run, run_command
from .record import Call
from .redaction import SHOWN
from .words import emit, short


class Host:
    """The agent below a root directory; root and run are parameters for the unit tests."""

    # A command of a bundle ends when this process is killed: it would go on after the undo.
    tied: tuple[str, ...] = ("setpriv", "--pdeathsig", "TERM", "--")

    def __init__(self, root: Path = Path("/"), run: Run = run_command) -> None:
        self.root = root
        self.run = run
        self.state = self.real(STATE)
        self.journal_path = self.state / "journal.json"
        self.lock_wait = LOCK_WAIT
        self.secrets: re.Pattern[str] | None = None
        # Commands of the change that ran to their end, or were cut off.
        self.begun: list[str] = []
        # What of the call itself goes into the record: see apply.
        self._call = Call()
        self.boot = False

    def redact(self, text: str) -> str:
        """Take secrets of the manifest out of what other programs say."""
        return text if self.secrets is None else self.secrets.sub(SHOWN, text)

    def say(self, line: str) -> None:
        """Print a progress line; a closed pipe does not matter."""
        emit(sys.stdout, short(self.redact(line)))

    def warn(self, line: str) -> None:
        """Print a line to stderr; a closed pipe does not matter."""
        emit(sys.stderr, short(self.redact(line)))

    def step(self, name: str, detail: str = "") -> None:
        """Announce a step of the transaction."""
        self.say(f"{name}: {detail}" if detail else name)

    def real(self, path: str) -> Path:
        """Return where a path of the host is."""
        return self.root / path.lstrip("/")

    def refuse_foreign(self, manifest: Json) -> None:
        """Raise Failure when root would work below a directory that another user can change.

        That user could put a link there, and root would write where the link leads. A rollback
        to a manifest from before this rule is only warned about: the operator asked for it.
        """
        made = [path for step in manifest["build"] for path in step["makes"]]
        made += [step["creates"] for step in manifest["run"] if step["creates"]]
        paths = (*manifest["directories"], *manifest["files"], *manifest["assemble"], *made)
        for path in paths:
            above = Path(path).parents
            # Where a link of root's leads counts as well.
            target = Path(os.path.relpath(self.real(str(above[0])).resolve(), self.root))
            for directory in (*above, Path("/", target), *Path("/", target).parents):
                whose = self._stranger(str(directory), manifest["directories"])
                if not whose:
                    continue
                words = (
                    f"{path}: {directory} {whose}; root writes only below directories that "
                    "nobody but root can change"
                )
                if not self._call.rolled_back:
                    raise Failure(f"{words}; no file has been changed")
                self.warn(words)

    def _stranger(self, directory: str, declared: Json) -> str:
        """Say who besides root can change a directory, or nothing."""
        if directory in declared:
            entry = declared[directory]
            mode, uid, gid = int(entry["mode"], 8), uid_of(entry["owner"]), gid_of(entry["group"])
        else:
            try:
                info = os.stat(self.real(directory))
            except (FileNotFoundError, NotADirectoryError):
                return ""  # the agent makes it, as root's
            mode, uid, gid = stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid
        if uid not in (0, os.geteuid()):
            return f"belongs to user {uid}"
        if mode & 0o002:
            return f"can be written by everybody (mode {mode:04o})"
        if mode & 0o020 and gid not in (ROOT_GROUP, STAFF_GROUP, os.getegid()):
            return f"can be written by group {gid} (mode {mode:04o})"
        return ""

    def _unfinished(self, name: str) -> Path:
        return self.state / "bundles" / (name + ".unfinished")
