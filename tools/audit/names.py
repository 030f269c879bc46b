"""Rules about names and syntax: unknown, misspelled, obsolete, set twice."""

from __future__ import annotations

import re
from collections.abc import Iterable

from components.postconf import FACTS, fault, known, suggestion
from components.postconf.syntax import references
from tools.audit.model import Finding, MainCf

_VERSIONS = ("3.10", "3.7")


def _is_known(name: str, main: MainCf) -> bool:
    if name in FACTS and FACTS[name].obsolete is None and main.version is None:
        return True
    return any(known(name, version) for version in _asked(main))


def _asked(main: MainCf) -> tuple[str, ...]:
    return _VERSIONS if main.version is None else (main.version,)


def syntax(main: MainCf) -> Iterable[Finding]:
    """Lines that are no parameter, and comments that are none."""
    for broken in main.broken:
        yield Finding(
            broken.line, "", "syntax", broken.reason, "Postfix stops at such a line: mend it."
        )
    for entry in main.entries:
        if re.search(r"(^|\s)#", entry.value):
            yield Finding(
                entry.line,
                entry.name,
                "syntax",
                "# after a value begins no comment: the rest of the line is part of the value",
                "Put the comment on a line of its own.",
            )


def unknown(main: MainCf) -> Iterable[Finding]:
    """Parameters that Postfix does not have; it reads past them without a word in the log."""
    own = set().union(*(references(entry.value) for entry in main.entries), _classes(main))
    for entry in main.entries:
        obsolete = FACTS.get(entry.name)
        if _is_known(entry.name, main) or (obsolete and obsolete.obsolete) or entry.name in own:
            continue
        wrong = fault(entry.name, _asked(main)[0]) or ""
        meant = suggestion(entry.name, _asked(main)[0])
        if meant is not None:
            yield Finding(
                entry.line,
                entry.name,
                "misspelled",
                "no parameter of Postfix: the line does nothing",
                f"Probably {meant} is meant. Look at what it does before it becomes live.",
            )
        else:
            yield Finding(
                entry.line,
                entry.name,
                "unknown",
                f"{wrong}, and nothing in this file refers to it",
                "Remove it, unless master.cf uses it as $" + entry.name + ".",
            )
    for entry in main.entries:
        for name in sorted(references(entry.value)):
            if name not in main and not _is_known(name, main) and name not in FACTS:
                yield Finding(
                    entry.line,
                    entry.name,
                    "unknown",
                    f"refers to ${name}, which nothing sets: it stands for nothing",
                    f"Set {name}, or spell it as it is set.",
                )


def _classes(main: MainCf) -> set[str]:
    return set(main.words("smtpd_restriction_classes"))


def obsolete(main: MainCf) -> Iterable[Finding]:
    """Parameters that were renamed, that do nothing any more or will go."""
    for entry in main.entries:
        fact = FACTS.get(entry.name)
        if fact is None or fact.obsolete is None:
            continue
        wrong = fault(entry.name, _asked(main)[0])
        if wrong is not None and wrong.startswith("obsolete"):
            reason, _, remedy = wrong.partition("; ")
            yield Finding(
                entry.line, entry.name, "obsolete", reason, remedy[0].upper() + remedy[1:] + "."
            )


def twice(main: MainCf) -> Iterable[Finding]:
    """Parameters that are set again further down: only the last counts."""
    for entry in main.entries:
        last = main.used[entry.name]
        if last is not entry:
            same = "the same" if last.value == entry.value else "another value"
            yield Finding(
                entry.line,
                entry.name,
                "contradictory",
                f"line {last.line} sets it again, to {same}; this line has no effect",
                "Keep one of them.",
            )
