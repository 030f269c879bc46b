"""The original's comparison of old and new inputs, path by path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lab.engine.copy import is_asset
from lab.engine.plugin import Secret, Unknown

_PLAIN = re.compile(r"[^.\[\]\"]+")


def compare(old: Any, new: Any, path: str, found: dict[str, str]) -> None:
    """Collect the paths that differ, each with ADD, DELETE or UPDATE."""
    if isinstance(new, Secret) and isinstance(new.value, Unknown):
        return
    if isinstance(old, Secret) and isinstance(new, Secret):
        # A secret is compared as a whole.
        if old.value != new.value:
            found[path] = "UPDATE"
    elif is_asset(old) and is_asset(new):
        if old.get("hash") != new.get("hash"):
            found[path] = "UPDATE"
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            _compare_item(old, new, key, _below(path, key), found)
    elif isinstance(old, list) and isinstance(new, list):
        was, now = dict(enumerate(old)), dict(enumerate(new))
        for index in sorted({*was, *now}):
            _compare_item(was, now, index, f"{path}[{index}]", found)
    elif type(old) is not type(new) or old != new:
        found[path] = "UPDATE"


def _below(path: str, key: str) -> str:
    if _PLAIN.fullmatch(key):
        return f"{path}.{key}" if path else key
    quoted = key.replace('"', '\\"')
    return f'{path}["{quoted}"]'


def _compare_item(
    old: Mapping[Any, Any], new: Mapping[Any, Any], key: Any, path: str, found: dict[str, str]
) -> None:
    if key not in old:
        found[path] = "ADD"
    elif key not in new:
        found[path] = "DELETE"
    else:
        compare(old[key], new[key], path, found)
