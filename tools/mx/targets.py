"""A part of a stack that options of the engine choose: --target and --exclude."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

# Of pulumi-preview(1), pulumi-up(1) and pulumi-destroy(1); --target-replace implies --target.
_TARGETS = ("--target", "-t", "--target-replace")
_PARTS = (*_TARGETS, "--exclude")


def is_part(arguments: Sequence[str]) -> bool:
    """Whether the engine is told to leave some resources as they are."""
    return next(_given(arguments, _PARTS), None) is not None


def unmatched(arguments: Sequence[str], urns: Iterable[str]) -> list[str]:
    """The options whose target is no resource of these.

    In a URN `*` stops at a colon, `**` does not.
    """
    known = list(urns)
    return [
        f"{option} {value}"
        for option, value in _given(arguments, _TARGETS)
        if not any(_pattern(value).fullmatch(urn) for urn in known)
    ]


def _given(arguments: Sequence[str], names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for number, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if name in names:
            yield name, value if equals else "".join(arguments[number + 1 : number + 2])
        elif word.startswith("-t") and "-t" in names:  # with its value in the same word
            yield "-t", word[2:]


def _pattern(value: str) -> re.Pattern[str]:
    parts = (re.escape(part).replace(r"\*", "[^:]*") for part in value.split("**"))
    return re.compile(".*".join(parts))
