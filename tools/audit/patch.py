"""A patch for what is mechanical: values of which only one can be meant, and lines that go."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from components.audit.model import Finding
from components.postconf.syntax import latin, parse


def fixed(content: bytes, findings: Sequence[Finding]) -> bytes:
    """The text of a main.cf with every finding mended that has a replacement.

    A parameter with several findings is mended by the first, the most dangerous; the next run tells
    the rest. Comments inside a value that is replaced stay, after it.
    """
    lines = latin(content).split("\n")
    entries, _ = parse(content)
    at_line = {entry.line: entry for entry in entries}
    done: set[int] = set()
    gone: set[int] = set()
    for one in findings:
        entry = at_line.get(one.line)
        if one.replacement is None or one.file != "main.cf" or entry is None:
            continue
        if entry.name != one.parameter or one.line in done:
            continue
        done.add(one.line)
        gone.update(number for number, _ in entry.pieces)
        if one.replacement:
            gone.discard(entry.line)
            lines[entry.line - 1] = f"{entry.name} = {one.replacement}"
    kept = [line for number, line in enumerate(lines, start=1) if number not in gone]
    return "\n".join(kept).encode("latin-1")


def patch(path: str, content: bytes, findings: Sequence[Finding]) -> bytes:
    """Give the changes as a unified diff; b"" when nothing is mechanical."""
    before, after = content.split(b"\n"), fixed(content, findings).split(b"\n")
    name = path.encode("utf-8", "surrogateescape")
    return b"".join(
        line if line.endswith(b"\n") else line + b"\n"
        for line in difflib.diff_bytes(
            difflib.unified_diff, before, after, name, name, lineterm=b""
        )
    )
