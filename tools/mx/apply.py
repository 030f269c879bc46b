"""Runs `pulumi up` or `destroy`, shows its progress, and keeps a log and the errors."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import engine, log
from .console import tell
from .explain import explained
from .progress import Progress, place

# The command provider quotes the whole command before its output.
_COMMAND = re.compile(r'running "(?:[^"\\]|\\.)*":?\s*')
# Before what the program printed, the number says nothing more.
_STATUS = re.compile(r"\A(?:Process exited with|exit) status \d+:\s+(?=\S)")
_LINES = 12
# Steps of the agent (components/agent) that say how it works.
_STEP = re.compile(
    r"(stage|checked|copy|swap|reload|restart|start|probe|undo): |(journal|record|daemon-reload)$"
)
_REASON = "mx-agent: "


@dataclass
class Outcome:
    """How a run ended. `errors` maps the place, for example `mx1: postfix`, to its texts."""

    code: int
    counts: dict[str, int]
    errors: dict[str, list[str]]
    log: Path
    # What the engine had begun and did not see the end of, for example `mx1: postfix`.
    cut_off: list[str] = field(default_factory=list)


@dataclass
class _Errors:
    """Errors by place; those of the whole stack have the place ``""``."""

    stack: str
    found: dict[str, list[str]] = field(default_factory=dict)
    # What the engine printed beside its events, all of it when it could not even begin.
    plain: list[str] = field(default_factory=list)

    def add(self, where: str, message: str) -> None:
        self.found.setdefault(where, []).append(shortened(log.clean(message)))

    def told(self) -> dict[str, list[str]]:
        texts = {where: explained(each, self.stack) for where, each in self.found.items()}
        # The engine repeats for the stack that a resource failed.
        if len(texts) > 1:
            texts.pop("", None)
        return together(texts)


def together(errors: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Errors by place, with what several places have in common once, at the first of them."""
    places: dict[tuple[str, ...], list[str]] = {}
    for where, texts in errors.items():
        places.setdefault(tuple(texts), []).append(where)
    return {
        names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more": list(texts)
        for texts, names in places.items()
    }


def shortened(message: str) -> str:
    """An error without the command that was run, and at most the last 12 lines of its output.

    The agent's reason comes first; what it did before and how it undid that comes after.
    """
    lines = _STATUS.sub("", _COMMAND.sub("", message)).strip("\n").split("\n")
    lines = [line for line in lines if not _STEP.match(line)] or lines
    unique = [one for one, before in zip(lines, [None, *lines], strict=False) if one != before]
    unique.sort(key=lambda line: not line.startswith(_REASON))
    if len(unique) <= _LINES:
        return "\n".join(unique)
    return "\n".join([unique[0], "...", *unique[-_LINES:]])


def run(
    stack: str,
    verb: str,
    arguments: Sequence[str],
    hosts: Iterable[str],
    expected: Mapping[str, int],
    more: Mapping[str, str] | None = None,
    canary: str | None = None,
) -> Outcome:
    """Run `pulumi VERB --json ARGUMENTS` to its end; Ctrl-C lets the engine end in good order.

    `expected`, `canary`: for the progress.
    """
    path, stream = log.create(stack, verb)
    errors = _Errors(stack)
    command = ["pulumi", verb, "--stack", stack, "--json", "--yes", "--skip-preview", *arguments]
    with stream, Progress(hosts, expected, canary=canary) as progress:
        process = subprocess.Popen(
            command,
            cwd=engine.ROOT,
            env=engine.environment(stack) | dict(more or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        assert process.stdout is not None  # noqa: S101 (it was asked for)
        interrupted = False
        while True:
            try:
                for text in process.stdout:
                    _take(text, progress, errors, stream.write)
                process.wait()
                if process.returncode == 0:
                    progress.ended_well()
                break
            except KeyboardInterrupt:
                if interrupted:
                    process.wait()
                    break
                interrupted = True
                tell(
                    "Ctrl-C: the engine ends what it has begun; the hosts stay consistent. A "
                    "second Ctrl-C ends the engine at once"
                )
    code = 130 if interrupted else process.returncode
    if code and not errors.found:
        text = "".join(errors.plain)
        errors.add("", text[text.find("error:") :] if "error:" in text else text)
    busy = [f"{name}: {what}" for name, row in progress.rows.items() for what in row.now]
    return Outcome(code, dict(progress.counts), errors.told(), path, busy if interrupted else [])


def _take(text: str, progress: Progress, errors: _Errors, write: Callable[[str], int]) -> None:
    """One line of the engine: an event, or words when it could not even begin."""
    try:
        event = json.loads(text)
    except json.JSONDecodeError:
        event = None
    if not isinstance(event, dict):
        text = log.without_password(text)
        write(text)
        errors.plain.append(text)
        return
    write(log.line(event))
    progress.event(event)
    data = event.get("diagnosticEvent")
    if isinstance(data, dict) and data.get("severity") == "error":
        urn = str(data.get("urn") or "")
        where, what = place(urn, progress.hosts) if urn else ("", "")
        known = where in progress.hosts or where == "DNS"
        errors.add(f"{where}: {what}" if known else "", str(data.get("message", "")))
