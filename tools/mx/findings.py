"""The findings of `mx status` on a terminal: coloured, and folded between words."""

from __future__ import annotations

import sys
from dataclasses import replace

from rich.table import Table
from rich.text import Text

from tools.status.__main__ import printed
from tools.status.check import Finding
from tools.status.run import summary, with_last

from .console import safe, show

_STYLES = {"fault": "bold red", "warning": "yellow", "notice": "cyan"}


def present(names: list[str], found: list[Finding]) -> None:
    """Print the findings; a pipe gets one line for each, which programs can search."""
    if not sys.stdout.isatty():
        printed(names, found)
        return
    for each, last in with_last(_together(found)):
        severity = Text(f"{each.severity}:", _STYLES[each.severity])
        show(_row(severity, Text(safe(f"{each.subject}: {each.what}"))))
        if last:
            why = Text(safe(f"{each.why} ")).append(f"[{each.check}]", "dim")
            show(_row(Text("  why:", "dim"), why))
            show(_row(Text("  do: ", "dim"), Text(f"{safe(each.cure)}\n")))
    worst = found[0].severity if found else "notice"
    show(Text(summary(names, found), _STYLES[worst] if found else "green"))


def _together(found: list[Finding]) -> list[Finding]:
    """The findings, with those that say the same of several hosts or addresses as one."""
    subjects: dict[Finding, list[str]] = {}
    for each in found:
        subjects.setdefault(replace(each, subject=""), []).append(each.subject)
    return [replace(each, subject=", ".join(names)) for each, names in subjects.items()]


def _row(label: Text, text: Text) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_row(label, text)
    return table
