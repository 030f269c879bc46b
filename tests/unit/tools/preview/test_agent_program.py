"""A change of the agent's program, in a report."""

from __future__ import annotations

import json

import pytest

from components.agent.paths import VERSION
from components.host import agent
from tools.preview.build import build
from tools.preview.read import read

URN = "urn:pulumi:lab::mx::mx:host:Host$command:remote:Command::mx1-agent"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("import sys", "import  sys", f"agent {VERSION}, another build"),
        (f'VERSION = \\"{VERSION}\\"', 'VERSION = \\"9.9.9\\"', f"agent {VERSION} → 9.9.9"),
    ],
    ids=["same version", "another version"],
)
def test_program_of_the_agent_that_changed_is_not_told_as_settings(
    old: str, new: str, why: str
) -> None:
    before = agent.sources()
    after = before.replace(old, new)
    assert after != before
    states = {
        key: {"custom": True, "inputs": {"create": "bootstrap", "stdin": text}}
        for key, text in (("oldState", before), ("newState", after))
    }
    document = {"steps": [{"op": "update", "urn": URN, **states}]}
    assert build("lab", read(json.dumps(document), 0)).changes[0].why == [why]
