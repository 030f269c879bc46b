"""What a command wrote and how it failed, in the words of the vendor's plug-in."""

from __future__ import annotations

from dataclasses import dataclass

STDOUT, STDERR = 0, 1


class CommandError(Exception):
    """An error whose text is what the vendor's plug-in says."""


class DialError(CommandError):
    """A dial that failed and may be tried again."""


@dataclass(frozen=True)
class Result:
    """What a command wrote, and the texts of both streams in the order of their arrival."""

    stdout: bytes
    stderr: bytes
    both: bytes
    error: str | None
