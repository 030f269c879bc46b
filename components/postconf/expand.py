"""Values as Postfix expands them: $name, ${name?yes:no}, ${{left} == {right}?{yes}:{no}}.

Sources: src/util/mac_parse.c, mac_expand.c and src/global/compat_level.c of Postfix 3.10.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

Lookup = Callable[[str], str | None]

_BLANK = " \t\r\n"
_NESTING = 100
"""Levels that Postfix goes down before it stops with "unreasonable macro call nesting"."""
_LONGEST = 1_000_000
"""Characters after which this program stops; $b$b, with b = $c$c and so on, would never end."""
_STEPS = 20_000
_PLAIN = re.compile(r"[A-Za-z0-9_]*")
_OPERATORS: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LEVEL = re.compile(r"(\d+)(?:\.(\d+)(?:\.(\d+))?)?")


class ExpansionError(Exception):
    """A value at which Postfix stops: "macro processing error"."""


def level(text: str) -> tuple[int, int, int]:
    """A compatibility_level as three numbers (compat_level_from_string())."""
    match = _LEVEL.fullmatch(text.strip())
    if match is None:
        raise ExpansionError(f"{text!r} is no compatibility level, for example 3.6")
    major, minor, patch = (int(part or 0) for part in match.groups())
    return major, minor, patch


def compared(left: str, sign: str, suffix: str, right: str) -> bool:
    """One comparison: numbers as numbers, else as text; the suffix "level" compares levels."""
    if suffix == "level":
        one, other = level(left), level(right)
        order = (one > other) - (one < other)
    elif left.isdigit() and right.isdigit():
        order = (int(left) > int(right)) - (int(left) < int(right))
    else:
        order = (left > right) - (left < right)
    return _OPERATORS[sign](order, 0)


class Budget:
    """Steps and characters that a whole file may take; hostile files would never end without."""

    def __init__(self, steps: int, length: int = _LONGEST) -> None:
        self.steps = steps
        self.length = length


class _Expansion:
    def __init__(self, lookup: Lookup, budget: Budget) -> None:
        self.lookup = lookup
        self.budget = budget
        self.steps = 0
        self.length = 0

    def text(self, value: str, depth: int) -> str:
        """Expand a value; `depth` counts the levels of references above it."""
        if depth > _NESTING:
            raise ExpansionError("unreasonable macro call nesting")
        if "$" not in value:
            return self._counted(value)
        parts: list[str] = []
        at = 0
        while True:
            dollar = value.find("$", at)
            if dollar < 0:
                parts.append(self._counted(value[at:]))
                return "".join(parts)
            parts.append(self._counted(value[at:dollar]))
            following = value[dollar + 1 : dollar + 2]
            if following == "$":
                parts.append("$")
                at = dollar + 2
                continue
            if following and following in "{(":
                end = _closing(value, dollar + 1)
                inside, at = value[dollar + 2 : end - 1], end
            else:
                match = _PLAIN.match(value, dollar + 1)
                inside = match[0] if match else ""
                at = dollar + 1 + len(inside)
            if not inside:
                raise ExpansionError("empty macro name: a $ with no name after it; write $$ for $")
            parts.append(self._expression(inside, depth + 1))

    def _counted(self, text: str) -> str:
        self.length += len(text)
        self.steps += 1
        self.budget.steps -= 1
        self.budget.length -= len(text)
        spent = self.budget.steps < 0 or self.budget.length < 0
        if self.length > _LONGEST or self.steps > _STEPS or spent:
            raise ExpansionError("the value never ends, or is longer than any program can use")
        return text

    def _expression(self, inside: str, depth: int) -> str:
        at = _skip(inside, 0)
        found: str | None
        if inside[at : at + 1] == "{":
            found, at = self._relation(inside, at, depth)
        else:
            match = _PLAIN.match(inside, at)
            name = match[0] if match else ""
            at = _skip(inside, at + len(name))
            if name == "domain_to_ascii" and inside[at : at + 1] == "{":  # since 3.11
                end = _closing(inside, at)
                return self.text(inside[at + 1 : end - 1], depth)
            if at < len(inside) and inside[at] not in "?:":
                raise ExpansionError(f"attribute name syntax error at {inside[:40]!r}")
            found = self.lookup(name)
        if at >= len(inside):
            return self.text(found, depth) if found else self._counted("")
        sign = inside[at]
        if sign not in "?:":
            raise ExpansionError(f'"?" or ":" expected at {inside[:40]!r}')
        chosen = ""
        at += 1
        if sign == "?":
            yes, at = self._operand(inside, at)
            if found:
                chosen = self.text(yes, depth)
            if at >= len(inside):
                return chosen
            if inside[at] != ":":
                raise ExpansionError(f'":" expected at {inside[:40]!r}')
            at += 1
        no, at = self._operand(inside, at)
        if not found:
            chosen = self.text(no, depth)
        if at < len(inside):
            raise ExpansionError(f"unexpected input at {inside[:40]!r}")
        return chosen

    def _operand(self, inside: str, at: int) -> tuple[str, int]:
        begin = _skip(inside, at)
        if inside[begin : begin + 1] != "{":
            return inside[at:], len(inside)
        end = _closing(inside, begin)
        return inside[begin + 1 : end - 1], _skip(inside, end)

    def _relation(self, inside: str, at: int, depth: int) -> tuple[str, int]:
        end = _closing(inside, at)
        left = inside[at + 1 : end - 1]
        at = _skip(inside, end)
        match = re.compile(r"([<>!=?+*/~&|%-]*)([A-Za-z0-9]*)").match(inside, at)
        sign, suffix = (match[1], match[2]) if match else ("", "")
        if sign not in _OPERATORS or suffix not in ("", "level"):
            raise ExpansionError(f"a comparison is expected at {inside[:40]!r}")
        at = _skip(inside, at + len(sign) + len(suffix))
        if inside[at : at + 1] != "{":
            raise ExpansionError(f'"{{expression}}" expected at {inside[:40]!r}')
        end = _closing(inside, at)
        right = inside[at + 1 : end - 1]
        true = compared(self.text(left, depth), sign, suffix, self.text(right, depth))
        return "bool" if true else "", _skip(inside, end)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANK:
        at += 1
    return at


def _closing(text: str, at: int) -> int:
    """The position after the bracket that closes the one at `at`."""
    opening = text[at]
    closing = {"{": "}", "(": ")"}[opening]
    depth = 0
    for position in range(at, len(text)):
        if text[position] == opening:
            depth += 1
        elif text[position] == closing:
            depth -= 1
            if depth == 0:
                return position + 1
    raise ExpansionError(f"truncated macro reference: {text[at : at + 40]!r} is not closed")


def expand(value: str, lookup: Lookup, budget: Budget | None = None) -> str:
    """The value of which every reference is replaced; lookup() gives None for what is not set.

    Raises ExpansionError where Postfix stops, and for a value that would never end.
    """
    if "$" not in value:
        return value
    return _Expansion(lookup, budget or Budget(_STEPS)).text(value, 0)
