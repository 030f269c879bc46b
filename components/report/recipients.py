"""Whose mail a change of the rows in the database `mail` would refuse."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .model import FileDiff

CONTENT = "/etc/mx-database/content/"
_NAMED = 3
_ENTRY = re.compile(r'. "(.+)": \{')
_ROWS = re.compile(r'([+-])  "rows": (\d+),')


def refused(files: Iterable[FileDiff]) -> Iterable[str]:
    """A sentence for each mail domain that recipients leave, none for a domain that goes itself.

    `files`: of one bundle. Rows are sorted, so those of one address stand together in a diff.
    """
    lines = {
        file.path.removeprefix(CONTENT): file.lines
        for file in files
        if file.path.startswith(CONTENT)
    }
    left = {line[1:] for line in lines.get("mail_domain", ()) if line.startswith("-")}
    gone: set[tuple[str, ...]] = set()
    stays: set[tuple[str, ...]] = set()
    for table in ("recipient", "alias"):
        for line in lines.get(table, ()):
            (gone if line.startswith("-") else stays).add(tuple(line[1:].split("\t")[:2]))
    counts = _counts(lines.get("recipient_files.json", ()))
    by_domain: dict[str, list[str]] = {}
    for domain, local in sorted(row for row in gone - stays if len(row) == 2):
        by_domain.setdefault(domain, []).append(local)
    for domain, locals_ in by_domain.items():
        if domain not in left:
            before, after = counts.get(domain, (0, 0))
            unless = ", unless recipientsFile has them now" if after > before else ""
            whose = _names(domain, locals_)
            yield f"Mail for {whose} is refused (550) once this is applied{unless}."
    for domain, (before, after) in counts.items():
        if after < before and domain not in left:
            yield (
                f"Mail for recipients that leave the recipientsFile of {domain} is refused (550) "
                f"once this is applied: {after} local parts, {before} until now."
            )


def _names(domain: str, locals_: list[str]) -> str:
    if len(locals_) <= _NAMED:
        return ", ".join(f"{local}@{domain}" for local in locals_)
    named = ", ".join(locals_[:_NAMED])
    return f"{len(locals_)} addresses of {domain} ({named} and {len(locals_) - _NAMED} more)"


def _counts(lines: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Mail domain to the number of local parts in its file, before and after."""
    sides: dict[str, dict[str, int]] = {"-": {}, "+": {}}
    domain = {"-": "", "+": ""}
    for line in lines:
        if entry := _ENTRY.fullmatch(line):
            domain |= dict.fromkeys("-+" if line.startswith(" ") else line[0], entry[1])
        elif rows := _ROWS.fullmatch(line):
            sides[rows[1]][domain[rows[1]]] = int(rows[2])
    names = dict.fromkeys([*sides["-"], *sides["+"]])
    return {name: (sides["-"].get(name, 0), sides["+"].get(name, 0)) for name in names}
