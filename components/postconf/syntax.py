"""main.cf as Postfix reads it: bytes, logical lines, `name = value`, words, references.

Sources: src/util/readlline.c, split_nameval.c, mystrtok.c and mac_parse.c of Postfix 3.10. Text is
Latin-1 here, one character a byte, so that no file is refused and no line number is shifted;
shown() turns it back into what a person reads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SPACE = " \t\n\v\f\r"
"""What isspace(3) takes for a blank: ends names, is cut from both ends of a value."""
SEPARATORS = ", \t\r\n"
"""What parts the words of a list (CHARS_COMMA_SP). No-break spaces and form feeds do not."""

_REFERENCE = re.compile(r"\$(?:\$|([A-Za-z0-9_]+)|\{\s*([A-Za-z0-9_]+)|\(\s*([A-Za-z0-9_]+))")


@dataclass(frozen=True)
class Entry:
    """One `name = value`; `line` is the number of its first line, `pieces` are all its lines."""

    name: str
    value: str
    line: int
    pieces: tuple[tuple[int, str], ...] = ()
    """Number and text of each physical line that belongs to it, comments left out."""


@dataclass(frozen=True)
class Broken:
    """A line that Postfix cannot read."""

    line: int
    reason: str
    fatal: bool = True
    """Whether no program of Postfix starts; else it passes over the line."""


def latin(text: str | bytes) -> str:
    """A file's content with one character a byte."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    return raw.decode("latin-1")


def shown(text: str) -> str:
    """Latin-1 text as a person reads it: UTF-8 where it is that, bytes in hex elsewhere."""
    plain = text.encode("latin-1", "replace").decode("utf-8", "backslashreplace")
    return "".join(
        one if one.isprintable() or one == "\n" else f"<U+{ord(one):04X}>" for one in plain
    )


def logical_lines(text: str) -> list[list[tuple[int, str]]]:
    """The physical lines of each logical line, with their numbers.

    Blank lines and lines whose first character that is no blank is "#" are left out, also in the
    middle of a logical line; a line that begins with a blank continues the one before. A line ends
    at LF and at nothing else.
    """
    found: list[list[tuple[int, str]]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        bare = line.lstrip(SPACE)
        if not bare or bare.startswith("#"):
            continue
        if line[0] in SPACE and found:
            found[-1].append((number, line))
        else:
            found.append([(number, line)])
    return found


def parse(text: str | bytes) -> tuple[list[Entry], list[Broken]]:
    """Every parameter in the order of the file, and what is not one."""
    entries: list[Entry] = []
    broken: list[Broken] = []
    for pieces in logical_lines(latin(text)):
        number = pieces[0][0]
        line, null, _ = "".join(piece for _, piece in pieces).partition("\0")
        if null:
            broken.append(
                Broken(number, "has a NUL byte: what follows it is not read", fatal=False)
            )
        if line[:1] in SPACE:
            broken.append(
                Broken(
                    number,
                    "begins with a blank, but there is no line to continue: it is passed over",
                    fatal=False,
                )
            )
            continue
        name, equals, value = line.partition("=")
        name = name.rstrip(SPACE)
        if not equals or not name:
            broken.append(
                Broken(
                    number,
                    f"{shown(line[:60].strip())!r} is not `name = value`: Postfix does not start",
                )
            )
        elif any(one in name for one in SPACE):
            broken.append(
                Broken(number, f"{shown(name[:60])!r} has a blank in it: Postfix does not start")
            )
        else:
            entries.append(Entry(name, value.strip(SPACE), number, tuple(pieces)))
    return entries, broken


def words(value: str, separators: str = SEPARATORS) -> list[str]:
    """The words of a list, as mystrtokq(): separators inside { } are text."""
    found: list[str] = []
    word: list[str] = []
    level = 0
    for one in value:
        if level == 0 and one in separators:
            if word:
                found.append("".join(word))
                word = []
            continue
        if one == "{":
            level += 1
        elif one == "}" and level > 0:
            level -= 1
        word.append(one)
    return [*found, "".join(word)] if word else found


def references(value: str) -> set[str]:
    """Names that a value refers to: $name, ${name}, $(name), and inside ${name?...}."""
    return {next(filter(None, found), "") for found in _REFERENCE.findall(value)} - {""}
