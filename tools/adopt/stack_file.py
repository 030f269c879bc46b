"""Writes values into a stack file and keeps its comments, its order and its other lines.

The only user of ruamel.yaml. What is read anywhere else is read by components/settings/engine_yaml,
which also reads back what was written here.
"""

from __future__ import annotations

import difflib
import io
import json
import os
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import CommentMark
from ruamel.yaml.scalarstring import DoubleQuotedScalarString
from ruamel.yaml.tokens import CommentToken

from components.settings import engine_yaml
from tools.adopt.offers import Edit

_ROOT = ("config", "mx:mail")
# How people indent: a mapping below its key, a list below its key, the dash of a list.
_INDENTS = ((2, 4, 2), (2, 2, 0), (4, 4, 2), (4, 4, 0), (4, 6, 4))


class Unwritable(Exception):
    """The file cannot be changed so that only the wanted values differ; the text says why."""


def edited(text: str, edits: Sequence[Edit]) -> str:
    """The text of a stack file with these values below mx:mail. Raises Unwritable.

    The result is read back: it holds what was there and the new values, and nothing else.
    """
    # Through JSON, so that what an anchor shares is a value of its own at each place.
    wanted = json.loads(json.dumps(engine_yaml.load(text)))
    for path, value in edits:
        _put_plain(wanted, (*_ROOT, *path), value)
    found = min(
        (_dumped(text, edits, indent) for indent in _INDENTS), key=lambda new: _lost(text, new)
    )
    try:
        again = engine_yaml.load(found)
    except yaml.YAMLError as error:
        raise Unwritable(f"the lines do not fit into the file: {error}") from None
    if again != wanted:
        raise Unwritable(
            "the file uses a YAML anchor, a merge or another form that the new lines would change"
        )
    return found


def write(path: Path, text: str) -> None:
    """Put the text in the file's place at once, with the file's mode and owner."""
    path = path.resolve()
    old = path.stat()
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
            os.fchmod(stream.fileno(), stat.S_IMODE(old.st_mode))
            if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(stream.fileno(), old.st_uid, old.st_gid)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _lost(old: str, new: str) -> int:
    """How many lines of the old text the new one does not have."""
    return sum(line.startswith("- ") for line in difflib.ndiff(old.split("\n"), new.split("\n")))


def _dumped(text: str, edits: Sequence[Edit], indent: tuple[int, int, int]) -> str:
    round_trip = YAML()
    round_trip.preserve_quotes = True
    round_trip.width = 1 << 20
    round_trip.explicit_start = text.startswith("---")
    round_trip.indent(mapping=indent[0], sequence=indent[1], offset=indent[2])
    document = round_trip.load(text.replace("\r\n", "\n"))
    for path, value in edits:
        _put(document, (*_ROOT, *path), value)
    stream = io.StringIO()
    round_trip.dump(document, stream)
    return stream.getvalue().replace("\n", "\r\n") if "\r\n" in text else stream.getvalue()


def _put_plain(document: Any, path: tuple[str, ...], value: str | int) -> None:
    for key in path[:-1]:
        if document.get(key) is None:
            document[key] = {}
        document = document[key]
    document[path[-1]] = value


def _put(document: Any, path: tuple[str, ...], value: str | int) -> None:
    """Set a value; what follows the last line of a mapping stays behind the new line."""
    for depth, key in enumerate(path[:-1]):
        if document.get(key) is None:
            made = CommentedMap()
            below = made
            for name in path[depth + 1 : -1]:
                below[name] = CommentedMap()
                below = below[name]
            below[path[-1]] = _scalar(value)
            _append(document, key, made)
            return
        document = document[key]
    if path[-1] in document:
        document[path[-1]] = _scalar(value)
    else:
        _append(document, path[-1], _scalar(value))


def _scalar(value: str | int) -> str | int:
    """A value that the engine reads as it is; quoted where it would read another one."""
    if isinstance(value, int):
        return value
    try:
        plain = engine_yaml.plain(value) == value
    except ValueError:
        plain = False
    quoted: str = DoubleQuotedScalarString(value)
    return value if plain else quoted


def _append(mapping: CommentedMap, key: str, value: Any) -> None:
    """Add a key at the end of a mapping, before the comments that stand after that end."""
    # The library hangs blank lines and comments on the scalar before them, however deep it is.
    after = "" if mapping.fa.flow_style() else _take_after(mapping)
    mapping[key] = value
    if after:
        _give_after(mapping, after)


def _last(node: Any) -> tuple[Any, Any] | None:
    """The deepest last entry below a node: its container and its key or index."""
    if not isinstance(node, (CommentedMap, CommentedSeq)) or not node:
        return None
    place = next(reversed(node)) if isinstance(node, CommentedMap) else len(node) - 1
    flow = getattr(node[place], "fa", None)
    return (None if flow is not None and flow.flow_style() else _last(node[place])) or (node, place)


def _slot(node: Any) -> int:
    """Where the library keeps the comment behind a value."""
    return 2 if isinstance(node, CommentedMap) else 0


def _take_after(mapping: CommentedMap) -> str:
    """The lines after the last value, without the comment on its own line; taken off there."""
    found = _last(mapping)
    if found is None:
        return ""
    node, place = found
    kept = node.ca.items.get(place)
    token = kept[_slot(node)] if kept else None
    if token is None:
        return ""
    first, newline, rest = token.value.partition("\n")
    if not rest:
        return ""
    if first:
        token.value = first + newline
    else:
        kept[_slot(node)] = None
    return str(rest)


def _give_after(mapping: CommentedMap, text: str) -> None:
    found = _last(mapping)
    assert found is not None  # noqa: S101 (a key was just added)
    node, place = found
    token = CommentToken("\n" + text, CommentMark(0), None)
    kept = node.ca.items.setdefault(place, [None] * (4 if isinstance(node, CommentedMap) else 2))
    kept[_slot(node)] = token


def mail(text: str) -> dict[str, Any]:
    """What a text that `edited` made has under mx:mail."""
    document = engine_yaml.load(text)
    assert isinstance(document, dict)  # noqa: S101 (`edited` found it)
    found: dict[str, Any] = document["config"]["mx:mail"]
    return found
