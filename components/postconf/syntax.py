"""main.cf as Postfix reads it (postconf(5), "The main.cf file"): logical lines, then parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass

_REFERENCE = re.compile(r"\$(?:\$|([A-Za-z0-9_]+)|\{\s*([A-Za-z0-9_]+)|\(\s*([A-Za-z0-9_]+))")


@dataclass(frozen=True)
class Entry:
    """One `name = value`, with the number of its first line; a value of several lines is joined."""

    name: str
    value: str
    line: int


@dataclass(frozen=True)
class Broken:
    """A line that Postfix cannot read."""

    line: int
    reason: str


def parse(text: str) -> tuple[list[Entry], list[Broken]]:
    """Every parameter in the order of the file, and what is not one.

    Blank lines and lines whose first character that is no blank is "#" are skipped, also in the
    middle of a value; a line that begins with a blank continues the one before.
    """
    logical: list[tuple[int, str]] = []
    broken: list[Broken] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0] not in " \t":
            logical.append((number, line.strip()))
        elif logical:
            begin, before = logical[-1]
            logical[-1] = (begin, f"{before} {line.strip()}")
        else:
            broken.append(Broken(number, "begins with a blank, but there is no line to continue"))
    entries = []
    for number, line in logical:
        name, equals, value = line.partition("=")
        name = name.strip()
        if not equals or not name:
            broken.append(Broken(number, f"{line[:60]!r} is no `name = value`"))
        elif " " in name or "\t" in name:
            broken.append(Broken(number, f"{name!r} has a blank in it"))
        else:
            entries.append(Entry(name, value.strip(), number))
    return entries, broken


def references(value: str) -> set[str]:
    """Names that a value refers to: $name, ${name}, $(name), and inside ${name?...}."""
    return {next(filter(None, found), "") for found in _REFERENCE.findall(value)} - {""}
