"""Sections of a report: drift, DNS, what happens on the hosts, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from components.protocol.warnings import DRIFT
from tools.preview.budget import Block
from tools.preview.model import Change, FileDiff, RecordChange, Report
from tools.preview.records import is_read_again
from tools.preview.text import code, fenced, in_html, plain

# What the engine calls an operation, and what a report calls it.
OPS = {
    "create": "to create",
    "update": "to update",
    "delete": "to delete",
    "replace": "to replace",
    "import": "to take over",
}
# Operations that the reason says already, or that are what a reader expects.
SAID = ("create", "delete", "update")
# A block with more lines is folded, so that a phone shows what comes after it.
_OPEN_LINES, _OPEN_NAMES = 40, 10
# Programs of ours: their text stands in this repository and is reviewed there.
_PROGRAMS = "/usr/local/"
# In a TXT record of DKIM, the whole of it in one string or in several.
_PUBLIC_KEY = re.compile(r'(\bp=[A-Za-z0-9+/]{8})[A-Za-z0-9+/=" ]{40,}')
# What a reviewer must see however much else changes.
FIRST = "/etc/postfix/main.cf"
# Everywhere else in a report a plus is what will come, so drift has the marks of diff(1).
_MARKS = {"-": "< ", "+": "> ", " ": "  "}
_LEGEND = """In this section `<` is what `mx up` applied last, and `>` is what is there now.
The next `mx up` brings back the former. Where the settings change too, a section below says it."""


def drift_of(texts: list[str]) -> Iterator[tuple[str, list[tuple[bool, list[str]]]]]:
    """Each place that drifted, for example `mx1: postfix`, with its lines.

    The lines come in runs: True and the lines of a diff, or False and sentences. In such a diff
    `<` is what was applied, and `>` is what is there now.
    """
    told: dict[str, list[str]] = {}
    for text in texts:
        where, _, rest = text.removeprefix(f"{DRIFT}: ").partition("\n")
        told.setdefault(where, []).extend(rest.split("\n") if rest else [])
    shown: dict[tuple[str, ...], str] = {}
    for where, lines in told.items():
        parts = where.split(": ", 2)
        name = " ".join(part.rstrip(":") for part in parts[:2])
        found = [(is_diff, list(run)) for is_diff, run in groupby([*parts[2:], *lines], _is_diff)]
        yield (
            name,
            [
                (is_diff, [_marked(line) for line in run] if is_diff else run)
                for is_diff, run in _once(parts[0], name, found, shown)
            ],
        )


def _once(
    host: str, name: str, runs: list[tuple[bool, list[str]]], shown: dict[tuple[str, ...], str]
) -> list[tuple[bool, list[str]]]:
    """The runs without a diff that `shown` has of the same host: two bundles share a file."""
    left: list[tuple[bool, list[str]]] = []
    for is_diff, lines in runs:
        before = left[-1][1] if left else []
        key = (host, *before[-1:], *lines)
        if is_diff and before and shown.setdefault(key, name) != name:
            before[-1] += f", as under {shown[key]}"
        else:
            left.append((is_diff, lines))
    return left


def drift(texts: list[str]) -> list[Block]:
    """What each component of a host has otherwise: a list, in which a diff follows its item."""
    blocks = []
    head = f"### Drift\n\n{_LEGEND}\n\n"
    for where, runs in drift_of(texts):
        name = f"drift of {where}"
        head += f"**{plain(where)}**\n"
        items: list[str] = []
        for is_diff, run in runs:
            if is_diff:
                blocks.append(_items(name, head, items))
                blocks.append(fenced(name, "", run, "diff"))
                head, items = "", []
            else:
                items += [f"- {plain(line)}" for line in run]
        blocks += [_items(name, head, items)] if items else []
        head = ""
    return blocks


def _marked(line: str) -> str:
    mark = _MARKS.get(line[:1])
    return line if mark is None else f"{mark}{line[1:]}"


def _is_diff(line: str) -> bool:
    return not line or line[0] in "@+- ["


def _items(name: str, head: str, items: list[str]) -> Block:
    return Block(name, head, tuple(items), keep=0)


def dns(report: Report) -> Block:
    """Records as lines of a zone file, what goes and what comes."""
    lines = zone_lines(report)
    if len(lines) <= _OPEN_LINES:
        return fenced("DNS records", "### DNS", lines, "diff")
    head = f"### DNS\n\n<details><summary>{len(report.new_records)} records</summary>"
    inner = fenced("DNS records", head, lines, "diff")
    return Block(inner.name, inner.head, inner.lines, inner.tail + "\n\n</details>", inner.keep)


def zone_lines(report: Report) -> list[str]:
    """Records as a diff of the zone file; a blank begins a line that stays."""
    lines = []
    for record in report.new_records:
        if record.old is not None and record.old == record.new:
            lines.append(f" {_short(record.old)} ; {', '.join(record.other)}")
            continue
        if is_read_again(record):
            lines.append(f" {_short(record.old)} ; read from its host again during `mx up`")
            continue
        if (ttl := _only_ttl(record)) is not None:
            lines.append(f" {_short(record.old)} ; the TTL becomes {ttl}")
            continue
        lines += [f"-{record.old}"] if record.old else []
        note = f" ; {', '.join(record.other)}" if record.other else ""
        lines += [f"+{record.new}{note}"] if record.new else []
    return lines


def _short(line: str | None) -> str:
    """A record that stays; of a public key its beginning."""
    return _PUBLIC_KEY.sub(r'\1..."', line or "")


def _only_ttl(record: RecordChange) -> str | None:
    """The new TTL when nothing else of a record changes; a long key is then shown once."""
    old, new = ((line or "").split(" ", 2) for line in (record.old, record.new))
    same = len(old) == len(new) == 3 and (old[0], old[2]) == (new[0], new[2])
    return new[1] if same and not record.other else None


def actions(changes: list[Change]) -> list[tuple[str, str, list[str]]]:
    """What happens to packages and units: verb, hosts, and what it happens to there."""
    acted: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        for package in change.packages:
            acted.setdefault(("install", package), []).append(change.host)
        for action in change.units:
            acted.setdefault(action, []).append(change.host)
    grouped: dict[tuple[str, str], list[str]] = {}
    for (verb, thing), names in sorted(acted.items()):
        hosts = ", ".join(dict.fromkeys(names))
        grouped.setdefault((verb, hosts), []).append(thing)
    return [(verb, hosts, things) for (verb, hosts), things in grouped.items()]


def files(report: Report) -> list[Block]:
    """One block a file; hosts with the same change share it."""
    grouped: dict[FileDiff, list[str]] = {}
    gone: dict[str, int] = {}
    for change in report.changes:
        if change.host in report.leaving:
            gone[change.host] = gone.get(change.host, 0) + len(change.files)
            continue
        for file in change.files:
            grouped.setdefault(file, []).append(change.host)
    # Of a new component all is new; a new file of an old one is what the change is about.
    made = {file for change in report.changes if change.op == "create" for file in change.files}
    blocks = []
    bare = [
        f"- {n} files on {plain(host)} (removed, or restored as they were before)"
        for host, n in gone.items()
    ]
    for file, hosts in sorted(grouped.items(), key=lambda item: item[0].path != FIRST):
        where = f"{file.path}, {file.section}" if file.section else file.path
        notes = "; ".join([*file.attributes, *(["changed (secret)"] if file.secret else [])])
        if not file.lines or (file.path.startswith(_PROGRAMS) and "new file" in file.attributes):
            after = f" ({plain(notes)})" if notes else ""
            bare.append(f"- {code(where)} on {plain(', '.join(hosts))}{after}")
            continue
        title = f"<code>{in_html(where)}</code> on {in_html(', '.join(hosts))}"
        title += f" ({in_html(notes)})" if notes else ""
        new = file in made
        folded = " open" if len(file.lines) <= 20 and not new else ""
        inner = fenced(
            where, f"<details{folded}><summary>{title}</summary>", list(file.lines), "diff"
        )
        blocks.append(
            Block(where, inner.head, inner.lines, inner.tail + "\n\n</details>", inner.keep)
        )
    if bare:
        blocks.insert(0, _bare(bare))
    return blocks


def _bare(lines: list[str]) -> Block:
    """Files that are only named."""
    if len(lines) <= _OPEN_NAMES:
        return Block("files without a diff", "### Files\n", tuple(lines), keep=1)
    head = f"### Files\n\n<details><summary>{len(lines)} without a diff</summary>\n"
    return Block("files without a diff", head, tuple(lines), "\n</details>", keep=1)
