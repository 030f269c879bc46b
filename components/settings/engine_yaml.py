"""YAML as the engine reads it, so that no program reads another stack file than `pulumi` does.

The engine's parser (gopkg.in/yaml.v3) follows YAML 1.2 for booleans and takes over from YAML 1.1
what old files have: octal numbers with a leading 0, `_` in numbers, `<<`, dates. What it reads goes
through JSON to the program. tests/engine/test_yaml.py compares both. This reader refuses values
that the engine turns into something that nobody means (a date, a tag).
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from decimal import Decimal
from typing import Any

import yaml

_STR = "tag:yaml.org,2002:str"
_UNTAGGED = "untagged"
_MERGE = "tag:yaml.org,2002:merge"
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULLS = ("", "~", "null", "Null", "NULL")
_INTEGER = re.compile(
    r"[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]*|[1-9][0-9]*)", re.ASCII
)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([Tt ]+\d.*)?", re.ASCII)
_INT64, _UINT64 = range(-(1 << 63), 1 << 63), range(1 << 64)


class _Reader(yaml.SafeLoader):
    """PyYAML's parser without its resolver and constructors, which are those of YAML 1.1."""

    # An attribute of the class, as PyYAML wants it.
    yaml_implicit_resolvers = {"<": [(_MERGE, re.compile("<<"))]}  # noqa: RUF012

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> Any:
        """The tag of a node that has none; a string with `!!str` is told from one without."""
        tag = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        return _UNTAGGED if tag == _STR else tag

    def scalar(self, node: yaml.ScalarNode) -> object:
        """A value: what plain text stands for, else the text."""
        if node.style is not None or node.tag != _UNTAGGED:
            return node.value
        try:
            return plain(node.value)
        except ValueError as error:
            words, mark = str(error), node.start_mark
            raise yaml.constructor.ConstructorError(None, None, words, mark) from None

    def tagged(self, node: yaml.Node) -> object:
        raise yaml.constructor.ConstructorError(
            None, None, f"the tag {node.tag!r} has no meaning here; take it out", node.start_mark
        )

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping whose keys are strings, each of them once."""
        if not isinstance(node, yaml.MappingNode):
            raise yaml.constructor.ConstructorError(
                None, None, "expected is a mapping", node.start_mark
            )
        seen: dict[str, int] = {}
        for key, _ in node.value:
            if key.tag == _MERGE:
                continue
            name = self._key(key)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"the key {name!r} occurs twice in this mapping; the first one is in line "
                    f"{seen[name]}. Remove one of them",
                    key.start_mark,
                )
            seen[name] = key.start_mark.line + 1
        self.flatten_mapping(node)
        pairs = node.value
        return {self._key(key): self.construct_object(value, deep=True) for key, value in pairs}

    def _key(self, node: yaml.Node) -> str:
        value = self.scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if value is None:
            raise yaml.constructor.ConstructorError(
                None, None, "expected is a text as the key", node.start_mark
            )
        return str(value).lower() if isinstance(value, bool) else str(value)


_Reader.yaml_constructors = {
    _STR: _Reader.scalar,
    _UNTAGGED: _Reader.scalar,
    _MERGE: _Reader.scalar,
    "tag:yaml.org,2002:map": _Reader.construct_yaml_map,
    "tag:yaml.org,2002:seq": _Reader.construct_yaml_seq,
    None: _Reader.tagged,
}


def plain(text: str) -> object:
    """The value of a plain scalar. Raises ValueError for a date, an infinity and a NaN."""
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _DATE.fullmatch(text):
        raise ValueError(f"{text!r} would be read as a date; write it in quotes")
    if _NO_NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is a number that Pulumi cannot pass on; write it in quotes")
    if text[0] not in "0123456789+-.":
        return text
    digits = text.replace("_", "")
    if _INTEGER.fullmatch(digits):
        number = _integer(digits)
        if number in _INT64:
            return number
        if number in _UINT64:
            return _from_json(float(number))
    if not _FLOAT.fullmatch(digits) or math.isinf(float(digits)):
        return text
    return _from_json(float(digits))


def _integer(digits: str) -> int:
    sign = -1 if digits[0] == "-" else 1
    body = digits.lstrip("+-").lower()
    for prefix, base in (("0x", 16), ("0b", 2), ("0o", 8), ("0", 8)):
        if body.startswith(prefix) and body != "0":
            return sign * int(body[len(prefix) :], base)
    return sign * int(body)


def _from_json(number: float) -> object:
    """A number of the engine on its way through JSON, which has no point where none is needed."""
    if number.is_integer() and abs(number) < 1e21:
        return int(Decimal(repr(number)))
    return number


def load(text: str) -> object:
    """The document in a text. Raises yaml.YAMLError, which names line and column."""
    # A loader of PyYAML's safe kind: it makes mappings, lists, strings, numbers and nothing else.
    return yaml.load(text, Loader=_Reader)  # noqa: S506
