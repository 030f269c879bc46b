"""Where in a stack file each key is known, computed from the models of the settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from components.settings.text import listed
from components.settings.types import Domain, Hostname

_MOST = 3


def other_places(key: str, model: type[BaseModel]) -> str:
    """The end of a sentence that says of which sections `key` is a key; empty without one.

    An entry of a mapping is shown as DOMAIN if its name is one, else as NAME.
    """
    found = _places(model).get(key, ())
    if not found:
        return ""
    shown = [section or "mx:mail itself" for section in found[:_MOST]]
    if len(found) > _MOST:
        shown.append("other sections")
    return f"; `{key}` is a key of {listed(shown)}"


@cache
def _places(model: type[BaseModel]) -> dict[str, Sequence[str]]:
    """Each key with the sections that have it, in the order of the settings."""
    found: dict[str, dict[str, None]] = {}
    for section, key in _walk(model, ""):
        found.setdefault(key, {})[section] = None
    return {key: tuple(sections) for key, sections in found.items()}


def _walk(model: Any, section: str) -> Iterator[tuple[str, str]]:
    """Each key below a type as its section and its name."""
    origin, arguments = get_origin(model), get_args(model)
    if isinstance(model, type) and issubclass(model, BaseModel):
        for name, field in model.model_fields.items():
            key = field.alias or name
            yield section, key
            yield from _walk(field.annotation, f"{section}.{key}" if section else key)
    elif origin is dict:
        entry = "DOMAIN" if arguments[0] in (Domain, Hostname) else "NAME"
        yield from _walk(arguments[1], f"{section}.{entry}")
    elif origin is list:
        yield from _walk(arguments[0], f"{section}[]")
    else:
        # The choices of a union, and what Annotated is about.
        for each in arguments:
            yield from _walk(each, section)
