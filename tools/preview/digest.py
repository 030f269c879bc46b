"""A short name for a planned change, by which `mx up --plan` knows what was reviewed.

Two previews of an unchanged world have the same name, a day apart too: times, and the numbers by
which a bundle is applied again, are not in it. What drifted, and what others have in the zones, is:
who reviewed the plan has seen that. API tokens are not in it: a preview may have one that only
reads, and a report cannot show a secret.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from components.protocol import calls, warnings
from tools.preview.model import Reading, Step
from tools.preview.read import changing
from tools.preview.units import UNIT

LENGTH = 32
_CALLS = ("create", "update", "delete")
_TOKENS = "-acme-dns-tokens"


def digest(reading: Reading) -> str:
    """32 lower-case hexadecimal digits."""
    steps = [step for step in changing(reading) if not _only_a_token(step)]
    planned = sorted(
        json.dumps([step.op, step.urn, _plain(step.old), _plain(step.new)], sort_keys=True)
        for step in steps
    )
    reviewed = sorted(
        UNIT.sub(r"\1: \2", text) for text in reading.told if _is_state_of_the_world(text)
    )
    text = json.dumps([planned, reviewed])
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def _only_a_token(step: Step) -> bool:
    return step.op == "update" and step.name.endswith(_TOKENS)


def _plain(inputs: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Inputs without the numbers that calls carry and without places of files."""
    if inputs is None:
        return None
    return {
        key: calls.without_number(value)
        if key in _CALLS and isinstance(value, str)
        else _without_place(value)
        for key, value in inputs.items()
    }


def _without_place(value: Any) -> Any:
    """A file by its digest alone: who reviews and who applies have the checkout elsewhere."""
    if isinstance(value, Mapping) and "hash" in value and "path" in value:
        return {key: each for key, each in value.items() if key != "path"}
    return value


def _is_state_of_the_world(text: str) -> bool:
    """Whether a warning tells what is on a host or in a zone; others hold clocks and reasons."""
    return warnings.parse(text) is not None or warnings.read_zones(text) is not None
