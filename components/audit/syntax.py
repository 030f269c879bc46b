"""Rules about the text itself: lines that are none, comments, backslashes, blanks that are none."""

from __future__ import annotations

import re
from collections.abc import Iterable

from components.audit.model import Finding, MainCf, Severity
from components.postconf import lists, networks
from components.postconf.names import known
from components.postconf.parameters import ALL_VERSIONS, parameter
from components.postconf.restrictions import LISTS
from components.postconf.syntax import SPACE, Entry, shown, words
from components.postconf.types import fault

# No-break and other wide blanks, zero-width characters and byte order marks in UTF-8; VT and FF.
_ODD = re.compile(
    "\xc2[\xa0\x85\xad]|\xe2\x80[\x80-\x8f\xa8-\xaf]|\xe2\x81[\x9f\xa0]|\xe3\x80\x80|\xef\xbb\xbf|[\v\f]"
)
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_SETTING = re.compile(r"(?:-o\s*)?([a-z][a-z0-9_]+)\s*=(?!=)")


def _raw(entry: Entry) -> bool:
    one = parameter(entry.name, "3.10")
    return one is not None and one.kind == "raw"


def _is_list(name: str) -> bool:
    return (
        name in LISTS
        or name in networks.NETWORKS
        or name in lists.DOMAINS
        or lists.holds_tables(name)
        or name.endswith("_restrictions")
    )


def commented(entry: Entry) -> bool:
    """Tell whether a value has a word that was meant as the beginning of a comment."""
    return not _raw(entry) and any(word.startswith("#") for word in words(entry.value))


def backslashed(entry: Entry) -> bool:
    """Tell whether a line of a value ends with a backslash."""
    return any(piece.rstrip(SPACE).endswith("\\") for _, piece in entry.pieces)


def continued(entry: Entry) -> tuple[int, str] | None:
    """Line and name of a parameter that is set in a line that continues another one."""
    level = 0
    for number, (line, piece) in enumerate(entry.pieces):
        match = _SETTING.match(piece.lstrip(SPACE)) if number and level <= 0 else None
        if match and any(known(match[1], version) for version in ALL_VERSIONS):
            return line, match[1]
        level += piece.count("{") - piece.count("}")
    return None


def disturbed(entry: Entry) -> bool:
    """Tell whether a rule of this module reports the value already."""
    odd = _is_list(entry.name) and _ODD.search(entry.value) is not None
    return odd or commented(entry) or backslashed(entry) or continued(entry) is not None


def _severity(main: MainCf, entry: Entry) -> Severity:
    """Critical where Postfix stops at the value as it is, or defers all mail."""
    one = parameter(entry.name, main.asked[0])
    wrong = fault(entry.name, main.value(entry.name), main.asked[0], main.classes)
    every = one is not None and {"all", "smtpd", "qmgr", "cleanup", "trivial-rewrite"} & {
        *one.programs
    }
    return "critical" if wrong and every else "high"


def lines(main: MainCf) -> Iterable[Finding]:
    """Lines that are no parameter, and names that can be none."""
    for broken in main.broken:
        yield Finding(
            broken.line,
            "",
            "syntax",
            broken.reason,
            "Write name = value, without a blank before the name or in it.",
            "critical" if broken.fatal else "high",
        )
    for entry in main.entries:
        if _NAME.fullmatch(entry.name) is None:
            yield Finding(
                entry.line,
                shown(entry.name[:80]),
                "syntax",
                "the name holds characters that no parameter has: the line does nothing",
                "Write the name with letters, digits and _ only.",
                "high",
            )


def comments(main: MainCf) -> Iterable[Finding]:
    """Comments that are none."""
    for entry in main.used.values():
        if commented(entry):
            rest = re.split(r"[ \t,]+#", entry.value, maxsplit=1)[0]
            yield main.finding(
                entry.name,
                "syntax",
                (
                    "# after a value does not begin a comment: the rest of the line is part of "
                    "the value"
                ),
                "Put the comment on a line of its own.",
                _severity(main, entry),
                rest if len(entry.pieces) == 1 else None,
            )


def backslashes(main: MainCf) -> Iterable[Finding]:
    """Lines that end with a backslash."""
    for entry in main.used.values():
        if backslashed(entry):
            mended = re.sub(r"\\(\s|$)", r"\1", entry.value)
            yield main.finding(
                entry.name,
                "syntax",
                "main.cf has no continuation by backslash: it is part of the value"
                + (", and every mail is deferred (451)" if entry.name in LISTS else ""),
                "Remove it; a line that begins with a blank continues the one before.",
                _severity(main, entry),
                " ".join(mended.split()),
            )


def blanks(main: MainCf) -> Iterable[Finding]:
    """Characters that look like a blank and part no words."""
    for entry in main.used.values():
        odd = _ODD.search(entry.value)
        if odd is None or not _is_list(entry.name):
            continue
        spaced = _ODD.sub(" ", entry.value)
        yield main.finding(
            entry.name,
            "syntax",
            f"{shown(odd[0])} is not a blank for Postfix: it is part of the word beside it"
            + (", and every mail is deferred (451)" if entry.name in LISTS else ""),
            "Write a plain blank in its place.",
            _severity(main, entry),
            " ".join(spaced.split()),
        )


def continuations(main: MainCf) -> Iterable[Finding]:
    """Parameters that became part of the one before, because their line begins with a blank."""
    for entry in main.used.values():
        found = continued(entry)
        if found is not None:
            line, name = found
            yield Finding(
                line,
                name,
                "syntax",
                f"the line begins with a blank: it is part of the value of {entry.name}"
                f" (line {entry.line}), and {name} is not set",
                "Begin the line with the name.",
                _severity(main, entry),
            )


RULES = (lines, comments, backslashes, blanks, continuations)
