"""Two manifests of a bundle (docs/architecture.md) to what changes on the host."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from components.protocol import calls
from components.settings.text import visible
from tools.preview import units
from tools.preview.model import Change, FileDiff, Step

SECRET = "[secret]"  # noqa: S105 (the engine's mark, not a secret)
_CONTEXT = 2
_PARAMETER = re.compile(r"[+-]([a-z0-9_]+) = ")
# The agent's source is JSON in which quotes and line ends are escaped; an agent before 1.5 was a
# program text.
_CONSTANTS = re.compile(r'(?:\b|\\n)VERSION = \\?"([^"\\]+)\\?"')
# Keys of a manifest (docs/architecture.md, "The manifest") in a reader's words.
_KEYS = {
    "assemble": "files put together",
    "build": "files that a command makes",
    "check": "checks before the change",
    "compare": "what drift compares",
    "debconf": "answers to debconf",
    "held": "when services start",
    "newest": "versions of packages",
    "probe": "probes after the change",
    "run": "commands",
    "undo": "commands that undo",
}
HIDDEN = "a secret"
DRIFT, AGAIN = "drift", "runs again after a repair"
WORDS = {"create": "first deployment", "delete": "leaves the stack"}


def manifest_of(inputs: dict[str, Any] | None) -> dict[str, Any] | None:
    """The manifest in a command's stdin; None when there is none or it is a secret."""
    stdin = (inputs or {}).get("stdin")
    if not isinstance(stdin, str) or not stdin.startswith("{"):
        return None
    try:
        value = json.loads(stdin)
    except json.JSONDecodeError:
        return None
    return value if isinstance(value, dict) and "bundle" in value else None


def unified(old: str, new: str) -> tuple[str, ...]:
    """The lines of a unified diff without its file headers."""
    lines = difflib.unified_diff(_lines(old), _lines(new), n=_CONTEXT, lineterm="")
    return tuple(list(lines)[2:])


def _lines(text: str) -> list[str]:
    """Lines as Postfix and all else on a host see them: they end at newlines and nowhere else."""
    return [visible(line) for line in text.removesuffix("\n").split("\n")] if text else []


def host_of(step: Step, hosts: Iterable[str] = ()) -> tuple[str, str]:
    """Host and component from a resource's name, `mx1-postfix`, with the known hosts."""
    bundle = (manifest_of(step.new) or manifest_of(step.old) or {}).get("bundle", "")
    if bundle and step.name.endswith(f"-{bundle}"):
        return step.name.removesuffix(f"-{bundle}"), bundle
    for host in sorted(hosts, key=len, reverse=True):
        if step.name.startswith(f"{host}-"):
            return host, step.name.removeprefix(f"{host}-")
    host, dash, component = step.name.rpartition("-")
    return (host, component) if dash else (step.name, "")


def packages_of(steps: Iterable[Step], hosts: Iterable[str]) -> dict[str, set[str]]:
    """The packages that each host has for the bundles of the stack, before the plan."""
    found: dict[str, set[str]] = {}
    for step in steps:
        if manifest := manifest_of(step.old):
            host, _ = host_of(step, hosts)
            found.setdefault(host, set()).update(manifest.get("packages", []))
    return found


def change(
    step: Step,
    hosts: Iterable[str] = (),
    had: Mapping[str, Collection[str]] | None = None,
    told: Iterable[str] = (),
) -> Change:
    """What one remote command does to its host, which `had` packages; `told`: what drifted."""
    host, component = host_of(step, hosts)
    result = Change(step.op, host, component)
    old, new = manifest_of(step.old), manifest_of(step.new)
    result.why = _reasons(step, old, new)
    if old is None and new is None:
        result.files = _plain(step, component)
        # What reads a key, or tries rules, runs again when its bundle is repaired.
        secret = (step.new or {}).get("stdin") == SECRET
        if result.why == [DRIFT] and not secret and not units.told_of(told, host, component):
            result.why = [AGAIN]
        return result
    old, new = old or {}, new or {}
    result.files = _file_diffs(old, new) if step.op != "delete" else _leaving(old)
    there = {*old.get("packages", []), *(had or {}).get(host, ())}
    result.packages = sorted({*new.get("packages", [])} - there)
    drifted = units.Drifted.read(told, host, component)
    result.units = units.actions(old, new, step, drifted)
    return result


def _reasons(step: Step, old: Any, new: Any) -> list[str]:
    if step.op in WORDS:
        return [WORDS[step.op]]
    why = []
    before, after = step.old or {}, step.new or {}
    if units.healed(step):
        why.append(DRIFT)
    if before.get("connection") != after.get("connection"):
        why.append("connection")
    if before.get("stdin") == SECRET == after.get("stdin"):
        if not why:
            why.append(HIDDEN)
    elif before.get("stdin") != after.get("stdin"):
        why.append(_what(before, after, old, new))
    called = [calls.without_number(_create(side)) for side in (before, after)]
    if called[0] != called[1] or before.get("delete") != after.get("delete"):
        why.append("the call of the agent")
    # Address, login and SSH host key of the connection are not shown by the engine.
    hidden = before == after and before.get("connection") == SECRET
    return why or ["connection" if hidden else "settings"]


def _what(before: dict[str, Any], after: dict[str, Any], old: Any, new: Any) -> str:
    if old is None or new is None:
        versions = [_CONSTANTS.search(str(side.get("stdin"))) for side in (before, after)]
        if all(versions):
            first, last = (match[1] for match in versions if match)
            return f"agent {first} → {last}" if first != last else f"agent {last}, another build"
        return "settings"
    names: list[str] = []
    diffs = _file_diffs(old, new)
    for diff in diffs:
        for line in diff.lines:
            match = _PARAMETER.match(line)
            if match and match[1] not in names:
                names.append(match[1])
    names = names or list(dict.fromkeys(diff.path.rpartition("/")[2] for diff in diffs))
    # Nothing of a file: what else of the manifest, by its keys.
    keys = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    names = names or list(dict.fromkeys(_KEYS.get(key, key) for key in keys))
    if not names:
        return "settings"
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _create(inputs: dict[str, Any] | None) -> str:
    """The call of the agent, with its heal number."""
    return str((inputs or {}).get("create", ""))


def _plain(step: Step, component: str) -> list[FileDiff]:
    """A command without a manifest: how much of its text changes, and nothing of a secret."""
    texts = []
    for inputs in (step.old, step.new):
        stdin = (inputs or {}).get("stdin")
        texts.append(stdin if isinstance(stdin, str) else "")
    if texts[0] == texts[1]:
        if texts[1] == SECRET and step.op == "update" and not units.healed(step):
            return [FileDiff(f"{component}: data sent to the host", "", (), secret=True)]
        return []
    lines = unified(*texts)
    path, new = f"{component}: data sent to the host", "new"
    if component == calls.AGENT:
        path, new = calls.AGENT_PATH, "new file"
    if step.op in ("create", "delete"):
        return [FileDiff(path, "", (), (new if step.op == "create" else "removed",))]
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    return [FileDiff(path, "", (), (f"{added} lines added, {removed} removed",))]


def section_of(path: str, content: str) -> tuple[str, str]:
    """The file an operator thinks of, and the section in it."""
    match = re.fullmatch(r"(/.+)\.d/\d+-([\w-]+)\.cf", path)
    if not match:
        return path, ""
    first = content.partition("\n")[0]
    return match[1], first.lstrip("# ").strip() or match[2]


def _file_diffs(old: dict[str, Any], new: dict[str, Any]) -> list[FileDiff]:
    before, after = old.get("files", {}), new.get("files", {})
    found = []
    for path in sorted({*before, *after}):
        was, now = before.get(path), after.get(path)
        if was == now:
            continue
        texts = [str((entry or {}).get("content", "")) for entry in (was, now)]
        secret = any(
            (entry or {}).get("secret") or SECRET in text
            for entry, text in zip((was, now), texts, strict=True)
        )
        name, section = section_of(path, texts[1] or texts[0])
        lines = () if secret else unified(*texts)
        found.append(FileDiff(name, section, lines, _attributes(was, now), secret))
    return found


def _leaving(old: dict[str, Any]) -> list[FileDiff]:
    """What a bundle takes away with it; its text is no news."""
    paths = sorted(old.get("files", {}))
    return [FileDiff(path, "", (), ("removed, or restored as it was before",)) for path in paths]


def _attributes(was: Any, now: Any) -> tuple[str, ...]:
    if was is None or now is None:
        return ("new file" if was is None else "file removed",)
    keys = ("mode", "owner", "group")
    return tuple(
        f"{key} {was.get(key)} → {now.get(key)}" for key in keys if was.get(key) != now.get(key)
    )
