"""A preview's report as text for a terminal: folded, coloured, without characters of markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from components.settings.text import visible
from tools.preview import sections
from tools.preview.model import Change, FileDiff, Report
from tools.preview.text import one_line

from .console import WHOLE, safe

VERDICTS = {
    "failed": ("preview failed", "bold red"),
    "changes": ("changes", "bold yellow"),
    "drift": ("drift", "bold yellow"),
    "nothing": ("no changes", "bold green"),
}
# Longer parts are folded unless everything is asked for.
_MOST_LINES, _MOST_RISKS = 40, 20
_STYLES = {"+": "green", "-": "red", "@": "cyan", "[": "dim", ">": "yellow", "<": "blue"}
# In the column of the signs, so that a row without a sign of its own is no line of the file.
_GOES_ON = "…"
_LIKE_DIFF = re.compile(r"\s*[-+@<>]")
# Programs of ours: their text is reviewed in this repository.
_PROGRAMS = "/usr/local/"


def render(report: Report, full: bool = False) -> RenderableType:
    """The whole report; `full` unfolds long diffs and lists."""
    return Group(*_parts(report, full))


def _parts(report: Report, full: bool) -> Iterator[RenderableType]:
    words, style = VERDICTS[report.verdict]
    words = report.named(words)
    if report.verdict == "nothing" and report.unread:
        words, style = "not everything was read", "bold red"
    yield Text.assemble((safe(report.stack), "bold"), ": ", (words, style))
    yield Text(one_line(counts(report)))
    if report.plan:
        yield Text(f"Plan {report.plan}", "dim")
    if report.errors:
        yield from _section("Failure", [])
        yield from _paragraphs(report.errors, "red")
        if report.looks_for == "changes":
            yield Text("\nNothing is applied until the failure is corrected.")
    if report.risks:
        shown = _risks(report, full)
        yield from _section("Read this first", [])
        for risk in shown:
            yield from _paragraph(risk)
        yield from _more(len(report.risks) - len(shown), "risks")
    for note in report.notes:
        yield _item(note)
    if report.in_table:
        yield from _section("What changes", [_table(report.in_table)])
    yield from _drift(report.drift, full)
    if report.replaced:
        legend = "the lines with - are in the files of the host now, those with + are what it gets"
        yield from _section("Existing files that are replaced", [Text(legend, "dim")])
        lines = [line for text in report.replaced for line in text.split("\n")]
        yield from _diff(lines, full)
    if report.new_records:
        yield from _section(f"DNS records ({len(report.new_records)})", [])
        yield from _diff(sections.zone_lines(report), full)
    yield from _actions(report)
    yield from _files(report, full)
    if warnings := report.warnings_beside(_risks(report, full)):
        yield from _section("Warnings", [])
        yield from (_item(warning, "yellow") for warning in warnings)


def _risks(report: Report, full: bool) -> list[str]:
    return report.risks if full else report.risks[:_MOST_RISKS]


def counts(report: Report) -> str:
    """How many resources change, in one sentence."""
    found = {op: count for op, count in report.counts.items() if count}
    if report.errors and not found:
        return "No plan could be made."
    if report.verdict == "drift":
        return report.healing
    if not found:
        return report.agreement
    words = ", ".join(f"{count} {sections.OPS.get(op, f'to {op}')}" for op, count in found.items())
    hosts = {change.host for change in report.changes} - {""}
    where = f" on {len(hosts)} host{'s' * (len(hosts) != 1)}" if hosts else ""
    dns = len(report.records)
    among = f"; {dns} of them {'are DNS records' if dns != 1 else 'is a DNS record'}" if dns else ""
    return f"{words}{where}{among}."


def _section(title: str, parts: Iterable[RenderableType]) -> Iterator[RenderableType]:
    yield Text(f"\n{title}", "bold")
    yield from parts


def _item(text: str, style: str = "", mark: str = "-") -> RenderableType:
    table = Table.grid(padding=(0, 1))
    table.add_row(Text(mark, style), Text(_barred(safe(text).expandtabs())))
    return table


def _paragraph(risk: str) -> Iterator[RenderableType]:
    """A risk; a line of it that is to be copied stays whole, as in console.folded."""
    whole: list[str] = []
    folded: list[str] = []
    for line in risk.split("\n"):
        copied = line.startswith(WHOLE) and not _LIKE_DIFF.match(line)
        (whole if copied else folded).append(line)
    yield _item("\n".join(folded), "yellow")
    for line in whole:
        yield Text(safe(line), no_wrap=True, overflow="ignore")


def _name(text: str) -> str:
    """A name near a diff, which is none of its lines."""
    text = one_line(text)
    return repr(text) if _LIKE_DIFF.match(text) else text


def _barred(text: str) -> str:
    """A further line that could pass for a line of a diff stands behind a bar."""
    first, *rest = text.split("\n")
    return "\n".join([first, *(f"| {one}" if _LIKE_DIFF.match(one) else one for one in rest)])


def _paragraphs(texts: Iterable[str], style: str) -> Iterator[RenderableType]:
    for text in texts:
        yield _item(text, style)


def _more(count: int, what: str) -> Iterator[RenderableType]:
    if count > 0:
        yield Text(f"  ... {count} more {what}; --full shows all of them", "dim")


@dataclass(frozen=True)
class _Line:
    """One line of a diff, with its colour. A further row of the line has the mark of _GOES_ON."""

    text: str
    indent: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # Rich counts a tab as nothing when it measures, and would wrap a short line.
        text = visible(self.text).expandtabs()
        mark, rest = text[:1], text[1:]
        style = _STYLES.get(mark, "")
        rows = Text(rest, style).wrap(console, options.max_width - self.indent - 1)
        for at, row in enumerate(rows):
            yield Text.assemble(" " * self.indent, (_GOES_ON if at else mark, style), row)


def _diff(lines: list[str], full: bool, indent: int = 2) -> Iterator[RenderableType]:
    shown = lines if full else lines[:_MOST_LINES]
    yield from (_Line(line, indent) for line in shown)
    yield from _more(len(lines) - len(shown), "lines")


def _table(changes: list[Change]) -> RenderableType:
    """One row a component; hosts with the same change share the row."""
    rows: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        why = ", ".join(change.why)
        if change.op not in sections.SAID:
            why = f"{change.op}: {why}"
        rows.setdefault((change.component, why), []).append(change.host)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("host", "component", "why"):
        table.add_column(title, overflow="fold")
    for (component, why), names in rows.items():
        hosts = ", ".join(name for name in dict.fromkeys(names) if name)
        table.add_row(_name(hosts) or "-", one_line(component), one_line(why))
    return Padding(table, (0, 0, 0, 2), expand=False)


def _drift(texts: list[str], full: bool) -> Iterator[RenderableType]:
    if not texts:
        return
    places = list(sections.drift_of(texts))
    legend = "< is what `mx up` applied last and brings back, > is what is there now"
    with_diff = any(is_diff for _, items in places for is_diff, _ in items)
    yield from _section("Drift", [Text(f"  {legend}", "dim")] if with_diff else [])
    for where, items in places:
        yield Text(f"  {_name(where)}", "bold")
        for is_diff, lines in items:
            if is_diff:
                yield from _diff(lines, full, 4)
            else:
                # With another mark than the lines of a diff, where - is what is gone.
                yield from (
                    Padding(_item(line, mark="*"), (0, 0, 0, 2), expand=False) for line in lines
                )


def _actions(report: Report) -> Iterator[RenderableType]:
    found = sections.actions(report.changes)
    if found:
        yield from _section("On the hosts", [])
        for verb, hosts, things in found:
            yield _item(one_line(f"{verb} on {hosts}: {', '.join(things)}"))


def _files(report: Report, full: bool) -> Iterator[RenderableType]:
    grouped: dict[FileDiff, list[str]] = {}
    made: set[FileDiff] = set()
    for change in report.changes:
        if change.host in report.leaving:
            continue
        for file in change.files:
            grouped.setdefault(file, []).append(change.host)
            if change.op == "create":
                made.add(file)
    if not grouped and not report.leaving:
        return
    yield from _section("Files", [])
    for host in sorted(report.leaving):
        count = sum(len(each.files) for each in report.changes if each.host == host)
        yield _item(
            f"{count} files on {one_line(host)} are removed, or restored as they were before"
        )
    folded = 0
    for file, hosts in grouped.items():
        ours = file.path.startswith(_PROGRAMS) and "new file" in file.attributes
        notes = [*file.attributes, *(["secret, not shown"] if file.secret else [])]
        if file.lines and not full and (file in made or ours):
            folded += 1
            continue
        where = f"{file.path}, {file.section}" if file.section else file.path
        on = one_line(", ".join(dict.fromkeys(hosts)))
        title = Text.assemble((_name(where), "bold"), f" on {on}")
        title.append(f" ({one_line('; '.join(notes))})" if notes else "")
        yield Padding(title, (0, 0, 0, 2), expand=False)
        yield from _diff(list(file.lines), full, 4)
    if folded:
        yield Text(f"  ... {folded} new files; --full shows their text", "dim")
