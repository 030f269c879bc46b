"""The log file of a run: everything that the engine and the hosts wrote."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

_COLOUR = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*m")
_PASSWORD = re.compile(r"(\b[a-z0-9+]+://[^\s/:@]*):[^\s/@]+@")
_KEPT = 20


def clean(text: str) -> str:
    """A message of the engine without its marks of colour, and without a password in a URL."""
    return without_password(_COLOUR.sub("", text)).strip()


def without_password(text: str) -> str:
    """The text with no password in a URL: the engine's errors name the whole URL of the state."""
    return _PASSWORD.sub(r"\1:[password]@", text)


def folder() -> Path:
    """Where logs are (XDG Base Directory Specification, XDG_STATE_HOME)."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "mx" / "log"


def create(stack: str, verb: str) -> tuple[Path, TextIO]:
    """A new log file that only its owner can read; the oldest of more than 20 are removed."""
    where = folder()
    where.mkdir(parents=True, exist_ok=True, mode=0o700)
    old = sorted(where.glob("*.log"))
    for path in old[: max(0, len(old) - _KEPT + 1)]:
        path.unlink(missing_ok=True)
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path = where / f"{now}-{stack}-{verb}.log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return path, os.fdopen(descriptor, "w", encoding="utf-8")


def line(event: Mapping[str, Any]) -> str:
    """One event as lines of the log; empty for an event without news."""
    at = datetime.fromtimestamp(float(event.get("timestamp") or 0), UTC).strftime("%H:%M:%S")
    for kind in ("resourcePreEvent", "resOutputsEvent", "resOpFailedEvent"):
        data = event.get(kind)
        if isinstance(data, dict):
            metadata = data.get("metadata") or {}
            if metadata.get("op") == "same":
                return ""
            word = {"resourcePreEvent": "begins", "resOutputsEvent": "ends"}.get(kind, "FAILS")
            name = str(metadata.get("urn", "")).rpartition("::")[2]
            return f"{at} {name}: {metadata.get('op')} {word}\n"
    data = event.get("diagnosticEvent")
    if isinstance(data, dict) and data.get("severity") != "debug":
        name = str(data.get("urn") or "").rpartition("::")[2]
        return (
            f"{at} {name or 'engine'}: {data.get('severity')}: {clean(data.get('message', ''))}\n"
        )
    return ""
