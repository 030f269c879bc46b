"""What people read of the agent: differences, shortened lists, errors of the system."""

from __future__ import annotations

import contextlib
import difflib
import errno
import os
from typing import Any

from .files import Want
from .paths import DIFF_LINES, DIFF_WIDTH, LINE_LIMIT
from .process import Json


def unified(wanted: str, now: Want) -> list[str]:
    """Return the diff from a wanted text to what is there, cut where it gets long."""
    if now.data is None:
        return ["-a file", f"+a symbolic link to {now.link}"]
    lines = list(
        difflib.unified_diff(
            lines_of(wanted), lines_of(now.data.decode("utf-8", "replace")), n=2, lineterm=""
        )
    )[2:]
    return cut(lines)


def lines_of(text: str) -> list[str]:
    """Return the lines of a text: they end at newlines only, as all programs on a host see them.

    str.splitlines() also ends a line at U+2028 and others, which would draw lines that are none.
    """
    return text.removesuffix("\n").split("\n") if text else []


def cut(lines: list[str]) -> list[str]:
    """Return as many lines of a diff, and as much of each, as a status takes."""
    more = len(lines) - DIFF_LINES
    kept = [line[:DIFF_WIDTH] for line in lines[:DIFF_LINES]]
    return [*kept, f"[... {more} more lines]"] if more > 0 else kept


def explain(error: OSError, doing: str) -> str:
    """Say in plain words why the system refused."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{doing}: no space left on device{where}"
    return f"{doing}: {error.strerror or error}{where}"


def short(text: str) -> str:
    """Cut long lines: the engine's plug-in hangs for ever on one of 65,536 bytes or more."""
    lines = [
        line
        if len(line) <= LINE_LIMIT
        else f"{line[:LINE_LIMIT]} ... and {len(line) - LINE_LIMIT} characters more"
        for line in text.split("\n")
    ]
    return "\n".join(lines)


def emit(stream: Any, line: str) -> None:
    """Print a line; when nobody reads any more, the work goes on all the same.

    What is not UTF-8, such as a byte of a file's name, is written as an escape: the engine's
    plug-in makes a failure of a command that wrote anything else and succeeded.
    """
    line = line.encode("utf-8", "backslashreplace").decode("utf-8")
    try:
        stream.write(line + "\n")
        stream.flush()
    except (OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        with contextlib.suppress(OSError, ValueError):
            os.dup2(null, stream.fileno())
        os.close(null)


def status_text(status: Json) -> str:
    """Return a status (Agent.status) for a person at a terminal: a line a bundle, then diffs."""
    lines = [f"mx-agent {status['version']}, owner: {status['owner'] or 'none yet'}"]
    if status["unfinished"]:
        lines.append("A run was cut off. `mx-agent recover` undoes what the run left.")
    for name, text in status["failed"].items():
        lines.append(f"{name}: the last apply failed: {' '.join(text.split())}")
    rows = [("bundle", "applied", "rollback", "differs")]
    diffs = []
    for name, bundle in status["bundles"].items():
        items = [
            " ".join(str(value) for value in item.values() if isinstance(value, str))
            for item in bundle["drift"]
        ]
        rows.append(
            (
                name,
                str(bundle["applied"]),
                "possible" if bundle["former"] else "-",
                ", ".join(items) or "no",
            )
        )
        for item in bundle["drift"]:
            if item.get("diff"):
                diffs += ["", f"{item['path']}, from what was applied to what is there:"]
                diffs += [f"  {line}" for line in item["diff"]]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        padded = [row[column].ljust(width) for column, width in enumerate(widths)]
        lines.append("  ".join([*padded, row[-1]]))
    return "\n".join(_visible(line) for line in [*lines, *diffs])


def _visible(line: str) -> str:
    """Write what steers a terminal as an escape: files on a host may hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
