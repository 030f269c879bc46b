"""What a host answers when it is asked for its drift: checked before anything believes it.

A login can greet, a machine can be without an ID, a host can be somebody else's by now. None of
that may end the run of the other hosts, and nothing of it reaches a terminal as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, Field, StrictBool, StrictInt, TypeAdapter, ValidationError

from components.settings.text import visible

_MACHINE = re.compile("[0-9a-f]{32}")
_AGENT = re.compile(r"([0-9a-f]{64}( .*)?)?")
_RENEWALS: TypeAdapter[dict[str, dict[str, str]]] = TypeAdapter(dict[str, dict[str, str]])


class Updates(BaseModel):
    """What mx_updates.py saw, as far as it is used."""

    security: list[str] = Field(default_factory=list, max_length=10_000)
    restart: list[str] = Field(default_factory=list, max_length=10_000)
    reboot: StrictBool = False


class OddAnswer(Exception):
    """An answer that is none of the agent's; the text says what was there instead."""


class _Bundle(BaseModel):
    heal: StrictInt = Field(0, ge=0)
    applied: str = ""
    given: str | None = None
    drift: list[dict[str, Any]]


class _Status(BaseModel):
    """What `mx-agent status` prints, as far as it is used."""

    heal: StrictInt = Field(0, ge=0)
    unfinished: StrictBool = False
    busy: StrictBool = False
    time: StrictInt | None = None
    failed: dict[str, str] = Field(default_factory=dict)
    bundles: dict[str, _Bundle]


def machine(line: str) -> None:
    """Raise OddAnswer when the first line is no machine ID (machine-id(5))."""
    if not _MACHINE.fullmatch(line):
        raise OddAnswer(
            f"it answers {shortened(line)} where its machine ID (machine-id(5)) is expected; "
            "commands over SSH must print nothing of their own, so check the login's shell "
            "profile"
        )


def agent(line: str) -> str:
    """The digest of the agent. Raises OddAnswer when the line is none."""
    if not _AGENT.fullmatch(line):
        raise OddAnswer(f"it answers {shortened(line)} where the digest of its agent is expected")
    return line.split(" ")[0]


def status(text: str) -> dict[str, Any]:
    """The agent's status. Raises OddAnswer."""
    try:
        _Status.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        words = f"{where}: {first['msg']}" if where else first["msg"]
        raise OddAnswer(f"this is not an answer of the agent: {visible(words)}") from None
    found: dict[str, Any] = json.loads(text)
    return found


def updates(line: str) -> Updates:
    """What the host's packages wait for; nothing where it was not looked yet. Raises OddAnswer."""
    try:
        return Updates.model_validate_json(line or "{}")
    except ValidationError:
        raise OddAnswer(f"it has {shortened(line)}") from None


def renewals(line: str) -> dict[str, dict[str, str]]:
    """The notes of renewals by certificate. Raises OddAnswer."""
    try:
        return _RENEWALS.validate_json(line or "{}")
    except ValidationError:
        raise OddAnswer(f"it has {shortened(line)}") from None


def describe(drift: Iterable[dict[str, Any]]) -> str:
    """Drift as lines: what is different, then the diff from what was applied to what is there."""
    lines = []
    for item in drift:
        name = next((value for key, value in item.items() if key not in ("what", "diff")), "")
        title = f"{name}: {item.get('what', '')}"
        # What begins as a line of a diff is taken for one.
        lines.append(repr(title) if title[0] in "@+- [" else title)
        diff = item.get("diff", [])
        lines += [str(line) for line in diff] if isinstance(diff, list) else [str(diff)]
    return "\n".join(visible(line) for line in lines)


def shortened(text: str) -> str:
    """The begin of what a host says, in quotes and with nothing that cannot be seen."""
    return repr(visible(text[:60])) if text else "nothing"
