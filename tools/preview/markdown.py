"""A report as Markdown, for a comment in a forge: verdict and counts first, then the details."""

from __future__ import annotations

from tools.preview import sections
from tools.preview.budget import Block, fit, size
from tools.preview.model import Change, Report
from tools.preview.text import cell, code, fenced, lines_of, plain, wrapped

MARKER = "<!-- mx preview: {stack} -->"
# `mx comment --plan` finds the plan of a report by this line.
PLAN = "Plan `{plan}`"
_VERDICTS = {
    "failed": "❌ preview failed",
    "changes": "🔶 changes",
    "drift": "🔶 drift",
    "nothing": "✅ no changes",
}
_REPLACED = """### Replaces existing files

`-` is what these hosts have now, and `+` is what they get.
The agent keeps the former files, and `mx destroy` restores them."""
# Room that the note of what was cut may take.
_NOTE = 700
_MOST_RISKS = 12


def markdown(report: Report, budget: int | None = None) -> str:
    """The report, at most `budget` bytes of UTF-8. Without a budget nothing is cut."""
    top = _top(report)
    blocks = _blocks(report)
    if budget is None:
        return "\n".join([top, *(block.text() for block in [*blocks, *sections.files(report)])])
    room = budget - size(top) - _NOTE
    # What changes comes before how: the files' diffs get what the other parts leave.
    files = sections.files(report)
    first, cut_first = fit(blocks, room * 3 // 4 if files else room)
    left = room - sum(size(text) + 1 for text in first)
    # main.cf has the first share of what is left, up to half of it.
    above = [block for block in files if block.name.startswith(sections.FIRST)]
    others = [block for block in files if block not in above]
    rest, cut_rest = fit(above, left // 2 if others else left)
    more, cut_more = fit(others, left - sum(size(text) + 1 for text in rest))
    rest, cut_rest = [*rest, *more], [*cut_rest, *cut_more]
    texts, cut = [*first, *rest], [*cut_first, *cut_rest]
    note = _cut_note(cut) if cut else ""
    return "\n".join([top, *texts, *([note] if note else [])])


def _cut_note(names: list[str]) -> str:
    note = f"> ✂️ Cut to the forge's limit: {len(names)} parts are shorter or missing"
    shown = ": "
    for name in names:
        item = f"{shown}{plain(name)}"
        if size(note + item) > _NOTE - 80:
            return f"{note}, and others. `mx preview` shows all.\n"
        note, shown = note + item, ", "
    return note + ". `mx preview` shows all.\n"


def _top(report: Report) -> str:
    lines = [MARKER.format(stack=report.stack), ""]
    verdict = report.named(_VERDICTS[report.verdict])
    if report.verdict == "nothing" and report.unread:
        verdict = "❌ not everything was read"
    lines += [f"## {report.stack}: {verdict}", "", _counts(report), ""]
    if report.plan:
        lines += [PLAN.format(plan=report.plan), ""]
    if report.errors:
        lines += ["Do not apply this change before the failure is corrected.", ""]
    if report.risks:
        lines += ["### Read this first", ""]
        lines += [f"- {plain(risk)}" for risk in report.risks[:_MOST_RISKS]]
        if len(report.risks) > _MOST_RISKS:
            lines.append(f"- and {len(report.risks) - _MOST_RISKS} more risks")
        lines.append("")
    lines += [f"> {plain(note)}\n" for note in report.notes[:8]]
    return "\n".join(lines)


def _counts(report: Report) -> str:
    counts = {op: count for op, count in report.counts.items() if count}
    if report.errors and not counts:
        return "No plan could be made."
    if report.verdict == "drift":
        return plain(report.healing)
    if not counts:
        return plain(report.agreement)
    order = [*sections.OPS, *sorted({*counts} - {*sections.OPS})]
    words = [f"**{counts[op]}** {sections.OPS.get(op, plain(op))}" for op in order if op in counts]
    hosts = {change.host for change in report.changes} - {""}
    where = f" on {len(hosts)} host{'s' * (len(hosts) != 1)}" if hosts else ""
    plural = "s" * (len(report.records) != 1)
    dns = f", {len(report.records)} DNS record{plural} among them" if report.records else ""
    return ", ".join(words) + f"{where}{dns}."


def _blocks(report: Report) -> list[Block]:
    blocks = []
    if report.errors:
        blocks.append(fenced("failure", "### Failure", wrapped(report.errors), keep=1))
    if report.in_table:
        blocks.append(_table(report.in_table))
    blocks += sections.drift(report.drift)
    if report.replaced:
        blocks.append(fenced("replaced files", _REPLACED, lines_of(report.replaced), "diff"))
    if report.new_records:
        blocks.append(sections.dns(report))
    actions = tuple(
        f"- {plain(verb)} on {plain(hosts)}: {', '.join(map(code, things))}"
        for verb, hosts, things in sections.actions(report.changes)
    )
    if actions:
        blocks.append(Block("units and packages", "### On the hosts\n", actions))
    if warnings := report.warnings_beside(report.risks[:_MOST_RISKS]):
        items = tuple(f"- {plain(warning)}" for warning in warnings)
        blocks.append(Block("warnings", "### Warnings\n", items, keep=1))
    return blocks


def _table(changes: list[Change]) -> Block:
    """Hosts with the same change share a row, and so do components: a phone is 390 pixels wide."""
    by_component: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        why = ", ".join(change.why)
        if change.op not in sections.SAID:
            why = f"{change.op}: {why}"
        by_component.setdefault((change.component, why), []).append(change.host)
    grouped: dict[tuple[str, str], list[str]] = {}
    for (component, why), names in by_component.items():
        hosts = ", ".join(dict.fromkeys(names))
        grouped.setdefault((hosts, why), []).append(component)
    rows = []
    for (hosts, why), components in grouped.items():
        parts = ", ".join(dict.fromkeys(components))
        rows.append(f"| {cell(hosts or '-')} | {cell(parts, 400)} | {cell(why)} |")
    head = "### What changes\n\n| host | component | why |\n|---|---|---|"
    return Block("the table", head, tuple(rows), keep=1)
