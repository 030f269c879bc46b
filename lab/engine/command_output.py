"""What a command writes: its lines as they are logged, and its failure in the original's words."""

from __future__ import annotations

import re
import threading

from lab.engine.command_result import STDERR, STDOUT, CommandError
from lab.engine.plugin import Log

LOGGED = {
    "stdout": (STDOUT,),
    "stderr": (STDERR,),
    "stdoutAndStderr": (STDOUT, STDERR),
    "none": (),
}
_INVALID = re.compile(r"[\udc80-\udcff]+")
# The original never answers once a logged stream has had a line of this many bytes.
HANGS_FROM = 65536
ESCAPES = {
    '"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n",
    "\r": "\\r", "\t": "\\t", "\v": "\\v",
}  # fmt: skip


def quote(text: str) -> str:
    """The text as Go's ``%q`` writes it."""
    parts = []
    for char in text:
        if char in ESCAPES:
            parts.append(ESCAPES[char])
        elif char.isprintable():
            parts.append(char)
        elif ord(char) < 0x80:
            parts.append(f"\\x{ord(char):02x}")
        elif ord(char) < 0x10000:
            parts.append(f"\\u{ord(char):04x}")
        else:
            parts.append(f"\\U{ord(char):08x}")
    return '"' + "".join(parts) + '"'


def failure(error: str, command: str, output: bytes) -> CommandError:
    """The error of a command that failed: the whole text and all it wrote."""
    return CommandError(f"{error}: running {quote(command)}:\n{output.decode(errors='replace')}")


class Lines:
    """Cuts output into lines and logs each as it is complete, of the chosen streams only."""

    def __init__(self, logger: Log, urn: str, mode: str | None) -> None:
        self._logger, self._urn = logger, urn
        self._streams = LOGGED.get(mode or "stdoutAndStderr", ())
        self._rest = {STDOUT: b"", STDERR: b""}
        self._lock = threading.Lock()
        self.hangs = False

    def __call__(self, stream: int, data: bytes) -> None:
        """Take a piece of output."""
        if stream not in self._streams:
            return
        with self._lock:
            *lines, self._rest[stream] = (self._rest[stream] + data).split(b"\n")
        for line in lines:
            self.hangs = self.hangs or len(line) >= HANGS_FROM
            self._say(line)

    def finish(self) -> None:
        """Log what is left without a newline at its end."""
        for stream in (STDOUT, STDERR):
            # A scanner's buffer is full by then, and gives up without a word.
            if 0 < len(self._rest[stream]) < HANGS_FROM:
                self._say(self._rest[stream])
                self._rest[stream] = b""

    def _say(self, line: bytes) -> None:
        self._logger.info(valid(line.removesuffix(b"\r")), self._urn, status=True)


def valid(data: bytes) -> str:
    """The text of bytes, with one U+FFFD for each run that is no UTF-8, as Go's ToValidUTF8."""
    return _INVALID.sub("\ufffd", data.decode(errors="surrogateescape"))
