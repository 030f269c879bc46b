"""The value that was meant, where that is beyond doubt."""

from __future__ import annotations

import re
from collections.abc import Collection

from components.postconf import networks
from components.postconf.parameters import parameter
from components.postconf.syntax import words
from components.postconf.types import fault

_YES = ("true", "on", "1", "enable", "enabled", "y")
_NO = ("false", "off", "0", "disable", "disabled", "n", "none")
_SIZES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
_UNITS = {"s": "s", "m": "m", "h": "h", "d": "d", "w": "w"}


def _scalar(kind: str, value: str) -> str | None:
    lower = value.lower().strip("\"'")
    if kind in ("bool", "nbool"):
        return "yes" if lower in (*_YES, "yes") else "no" if lower in (*_NO, "no") else None
    if kind in ("int", "nint", "long"):
        size = re.fullmatch(r"(\d+)\s*([kmg]?)(?:i?b|bytes)?", lower)
        return str(int(size[1]) * _SIZES[size[2]]) if size else None
    if kind == "time":
        time = re.fullmatch(
            r"(\d+)\s*(s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?|w|weeks?)", lower
        )
        return f"{time[1]}{_UNITS[time[2][0]]}" if time else None
    return None


def _network(word: str) -> str:
    match = re.fullmatch(r"(!?)([0-9A-Fa-f]*:[0-9A-Fa-f:.]+)(/\d+)?", word)
    return f"{match[1]}[{match[2]}]{match[3] or ''}" if match else word


def mended(name: str, value: str, version: str, classes: Collection[str]) -> str | None:
    """A value that the version takes, for one that it does not; None when a person must choose.

    A misspelled restriction is not mended: the right one may refuse mail that its operator wants.
    """
    one = parameter(name, version)
    if one is None:
        return None
    right = _scalar(one.kind, value)
    if name in networks.NETWORKS:
        right = " ".join(_network(word) for word in words(value))
    if right is None and re.fullmatch(r"[\"'].*[\"']", value):
        right = value[1:-1]
    if right is None or right == value or fault(name, right, version, classes) is not None:
        return None
    return right
