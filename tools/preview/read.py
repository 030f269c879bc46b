"""Reads `pulumi preview --json` of older and newer CLIs, and says what it cannot read.

Two forms are known: one document with `steps`, `diagnostics` and `changeSummary`
(pkg/display/json.go of the CLI), and a stream of engine events, one JSON object a line
(sdk/go/common/apitype/events.go), which the CLI prints when streaming is switched on. Fields that
are missing or new do not hurt; a form that is neither is an error in the reading, never silence.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from components.settings.text import visible
from tools.preview.model import Reading, Step

KNOWN_OPS = {
    *("same", "create", "update", "delete", "replace", "create-replacement"),
    *("delete-replaced", "discard", "discard-replaced", "remove-pending-replace", "read"),
    *("read-replacement", "read-discard", "refresh", "import", "import-replacement"),
}
# Steps of a replacement that the one step `replace` already stands for.
_PARTS = {"create-replacement", "delete-replaced", "discard-replaced", "remove-pending-replace"}
_QUIET = {"same", "read", "refresh", "read-discard", "discard", *_PARTS}
_COLOUR = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*m")
# The vendor's DNS plug-in, in a refresh.
_GONE = "[WARNING] The resource was not found on the server"
# The engine, of a run that was cut off (pkg/resource/deploy/deployment_executor.go).
_PENDING = "Attempting to deploy or update resources with "
_OPERATION = re.compile(r"\* (\S+), interrupted while (\w+)")
_AMBIENT = re.compile(r"using pulumi-\S+ from \$PATH at ")


def read(text: str, exit_code: int = 0, stderr: str = "") -> Reading:
    """Read what the CLI printed. Anything unreadable, and an exit code, becomes an error."""
    reading = Reading()
    documents = _documents(text)
    if exit_code and documents == [{}]:
        # The engine failed before there was a plan, and only stderr has the reason.
        documents = []
    if documents is None:
        reading.errors.append("The engine's output is not JSON." if text.strip() else "")
    elif len(documents) == 1 and _is_document(documents[0]):
        _read_document(documents[0], reading)
    elif documents and all(isinstance(item, dict) and "sequence" in item for item in documents):
        _read_events(documents, reading)
    elif documents:
        known = ", ".join(sorted(documents[0])) if isinstance(documents[0], dict) else "no object"
        reading.errors.append(
            "This CLI's JSON has a form that the report does not know "
            f"(its keys: {known}); what changes cannot be shown."
        )
    reading.errors = [error for error in reading.errors if error]
    if exit_code and not reading.errors:
        said = _clean(stderr) or f"pulumi preview ended with exit code {exit_code}"
        reading.errors.append(said)
    elif not documents and not reading.errors:
        reading.errors.append(_clean(stderr) or "The engine printed nothing.")
    _count_unknown(reading)
    return reading


def _documents(text: str) -> list[Any] | None:
    decoder, place, found = json.JSONDecoder(), 0, []
    text = text.strip()
    while place < len(text):
        try:
            item, place = decoder.raw_decode(text, place)
        except json.JSONDecodeError:
            return None
        found.append(item)
        while place < len(text) and text[place].isspace():
            place += 1
    return found


def _is_document(item: Any) -> bool:
    return isinstance(item, dict) and bool({"steps", "changeSummary", "diagnostics"} & set(item))


def _read_document(document: dict[str, Any], reading: Reading) -> None:
    for number, item in enumerate(document.get("steps") or []):
        if not isinstance(item, dict) or "op" not in item or "urn" not in item:
            reading.notes.append(f"Step {number + 1} of the plan could not be read.")
            continue
        _add_step(item["op"], item["urn"], item.get("oldState"), item.get("newState"), reading)
    for item in document.get("diagnostics") or []:
        _diagnose(item, reading)
    _compare_counts(document.get("changeSummary") or {}, reading)
    if document.get("maybeCorrupt"):
        reading.errors.append("The engine says that its state may be corrupt.")


def _read_events(events: Iterable[dict[str, Any]], reading: Reading) -> None:
    summary: dict[str, Any] = {}
    for event in events:
        if "resourcePreEvent" in event:
            data = event["resourcePreEvent"].get("metadata") or {}
            _add_step(
                data.get("op", ""), data.get("urn", ""), data.get("old"), data.get("new"), reading
            )
        elif "diagnosticEvent" in event:
            _diagnose(event["diagnosticEvent"], reading)
        elif "summaryEvent" in event:
            summary = event["summaryEvent"].get("resourceChanges") or {}
        elif "errorEvent" in event:
            reading.errors.append(_clean(str(event["errorEvent"].get("error", "an error"))))
    _compare_counts(summary, reading)


def _add_step(op: str, urn: str, old: Any, new: Any, reading: Reading) -> None:
    custom = bool((new or old or {}).get("custom", True))
    reading.steps.append(Step(op, urn, _inputs(old), _inputs(new), custom))


def _inputs(state: Any) -> dict[str, Any] | None:
    if not isinstance(state, dict):
        return None
    inputs = state.get("inputs")
    return inputs if isinstance(inputs, dict) else {}


def _diagnose(item: dict[str, Any], reading: Reading) -> None:
    severity, text = str(item.get("severity", "")), _clean(str(item.get("message", "")))
    if not text or _AMBIENT.search(text):
        return
    bare = text.removeprefix("warning:").strip()  # the engine writes this word in front
    if bare.startswith(_GONE):
        reading.gone.append(str(item.get("urn", "")))
        return
    if bare.startswith(_PENDING):
        reading.pending += _OPERATION.findall(text)
        return
    told = text.startswith("warning:")  # on the program's stderr, which counts as an error
    if ("err" in severity or text.startswith("error:")) and not told:
        reading.errors.append(text.removeprefix("error:").strip())
    elif ("warn" in severity or told) and bare not in reading.warnings:
        reading.warnings.append(bare)


def _clean(text: str) -> str:
    lines = [visible(line) for line in _COLOUR.sub("", text).split("\n")]
    return "\n".join(line.rstrip() for line in lines if not _AMBIENT.search(line)).strip()


def _compare_counts(summary: dict[str, Any], reading: Reading) -> None:
    """The CLI's own counts against the steps that were read: nothing is lost unsaid."""
    told = {op: count for op, count in summary.items() if op not in _QUIET and count}
    seen = Counter(step.op for step in reading.steps if step.op not in _QUIET)
    for op in sorted({*told, *seen}):
        if told and told.get(op, 0) != seen[op]:
            reading.notes.append(
                f"The engine counts {op}: {told.get(op, 0)}, its steps show {seen[op]}."
            )
    if told and not reading.steps:
        reading.errors.append(
            "This CLI's JSON has no steps; what changes cannot be shown. "
            "Use a CLI whose `preview --json` lists them."
        )


def _count_unknown(reading: Reading) -> None:
    unknown = Counter(step.op for step in reading.steps if step.op not in KNOWN_OPS)
    for op, count in sorted(unknown.items()):
        reading.notes.append(f"{count} steps have the operation {op!r}, which is not known here.")


def changing(reading: Reading) -> list[Step]:
    """The steps of real resources that change something."""
    return [step for step in reading.steps if step.custom and step.op not in _QUIET]
