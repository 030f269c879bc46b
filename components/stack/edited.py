"""What the audit says of a Postfix that somebody edited by hand, before `up` restores its files.

A person who is paged must hear of an open relay first, and not find it in a diff.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pulumi

from components.host.seen import Seen
from components.protocol import warnings
from components.settings.environment import Settings
from components.settings.text import visible
from components.stack import judged

_TOLD = ("critical", "high")
_POSTFIX = "/etc/postfix/"


def warn_of_edited(settings: Settings, seen: Mapping[str, Seen]) -> None:
    """Warn of what is dangerous in the edited files of each host and is not in the planned ones."""
    for host, found in seen.items():
        diffs = _diffs(found)
        if not diffs:
            continue
        planned = judged.rendered(settings, host)
        now = planned | {
            path: patched(planned[path], diff) for path, diff in diffs if path in planned
        }
        if now == planned:
            continue
        known = {(one.parameter, one.reason) for one in judged.findings(settings, host, planned)}
        new = [
            one
            for one in judged.findings(settings, host, now)
            if one.severity in _TOLD and (one.parameter, one.reason) not in known
        ]
        # The most dangerous come first, and beside an open relay nothing else counts.
        for one in [one for one in new if one.severity == _TOLD[0]] or new:
            words = f"{one.parameter} in {_POSTFIX}{one.file}: {one.reason}"
            pulumi.log.warn(warnings.edited(host, visible(words)))


def _diffs(found: Seen) -> list[tuple[str, Sequence[str]]]:
    """Path and unified diff of each file of Postfix that is otherwise on a host."""
    items = (item for each in found.status.get("bundles", {}).values() for item in each["drift"])
    return [
        (item["path"], [str(line) for line in item["diff"]])
        for item in items
        if str(item.get("path", "")).startswith(_POSTFIX) and isinstance(item.get("diff"), list)
    ]


def patched(text: str, diff: Iterable[str]) -> str:
    """The text with the hunks of a unified diff; a hunk that does not fit is left out."""
    lines = text.split("\n")
    for hunk in _hunks(diff):
        old = [line[1:] for line in hunk if line[:1] in (" ", "-", "")]
        new = [line[1:] for line in hunk if line[:1] in (" ", "+", "")]
        for start in range(len(lines) - len(old) + 1):
            if lines[start : start + len(old)] == old:
                lines[start : start + len(old)] = new
                break
    return "\n".join(lines)


def _hunks(diff: Iterable[str]) -> list[list[str]]:
    hunks: list[list[str]] = []
    for line in diff:
        if line.startswith("@@"):
            hunks.append([])
        elif hunks and line[:1] in (" ", "+", "-", ""):
            hunks[-1].append(line)
    return hunks
