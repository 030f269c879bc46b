"""The resource that asks for queued mail before `mx destroy`, in a report."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.protocol.calls import QUEUES
from tools.preview.build import build
from tools.preview.read import read

URN = f"urn:pulumi:lab::mx::command:local:Command::{QUEUES}"
INPUTS = {"create": "true", "delete": "ask every host", "environment": {"MX_HOSTS": "mx1 a b"}}


def why(op: str, **states: dict[str, Any]) -> tuple[str, list[str]]:
    found = {name: {"custom": True, "inputs": inputs} for name, inputs in states.items()}
    document = {"steps": [{"op": op, "urn": URN, **found}]}
    change = build("lab", read(json.dumps(document), 0)).changes[0]
    return change.component, change.why


SAID = ("queue check", ["looks for queued mail before `mx destroy`; nothing changes on a host"])


def test_queue_check_is_named_by_what_it_does() -> None:
    assert why("create", newState=INPUTS) == SAID


@pytest.mark.parametrize("key", ["environment", "delete"])
def test_changed_queue_check_shows_neither_its_program_nor_its_environment(key: str) -> None:
    assert why("update", oldState=INPUTS | {key: "x"}, newState=INPUTS) == SAID
