"""Finds the line of a stack file that an error is about, from the YAML path in its text."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import yaml

_PLACE = re.compile(r"^stacks/Pulumi\.([a-z0-9-]+)\.yaml: mx:mail\.(.+?)(?=: )", re.MULTILINE)


def with_lines(text: str, path: Callable[[str], Path]) -> str:
    """The text with the line behind the name of each stack file, where the path is in that file.

    For a key that is missing that is the line of the section that lacks the key. `path` gives the
    file of a stack.
    """

    def with_line(found: re.Match[str]) -> str:
        try:
            root = yaml.compose(path(found[1]).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            return found[0]
        line = _line(root, f"config.mx:mail.{found[2]}")
        return found[0].replace(".yaml: ", f".yaml:{line}: ", 1) if line else found[0]

    return _PLACE.sub(with_line, text)


def _line(node: yaml.Node | None, path: str) -> int:
    """The line of the last part of a path that is there; 0 when nothing of the path is."""
    line = 0
    while path:
        step = _mapping(node, path) if isinstance(node, yaml.MappingNode) else _item(node, path)
        if step is None:
            break
        node, line, path = step
    return line


def _mapping(node: yaml.MappingNode, path: str) -> tuple[yaml.Node, int, str] | None:
    """Value, line and the rest of the path; a key may have dots, as a domain has."""
    found = [
        (value, key.start_mark.line + 1, path[len(str(key.value)) :].removeprefix("."))
        for key, value in node.value
        if path == str(key.value) or path.startswith((f"{key.value}.", f"{key.value}["))
    ]
    return min(found, key=lambda each: len(each[2]), default=None)


def _item(node: yaml.Node | None, path: str) -> tuple[yaml.Node, int, str] | None:
    number = re.match(r"\[(\d+)\]\.?", path)
    if number is None or not isinstance(node, yaml.SequenceNode):
        return None
    if int(number[1]) >= len(node.value):
        return None
    value = node.value[int(number[1])]
    return value, value.start_mark.line + 1, path[number.end() :]
