"""The name of a plan: the same for the same change, another one when the world changed."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from components.protocol import calls, warnings
from tools.preview.digest import digest
from tools.preview.model import Reading, Step

URN = "urn:pulumi:lab::mx::mx:host:Host$command:remote:Command::mx1-"


def bundle(name: str = "postfix", number: int = 0, text: str = "a", op: str = "update") -> Step:
    call = f"mx-agent apply{calls.as_argument(number)}"
    old = {"create": "mx-agent apply", "stdin": "old"}
    return Step(op, URN + name, old, {"create": call, "stdin": text})


BASE = Reading([bundle()], warnings=[warnings.drift("mx1", "postfix", "main.cf differs\n+a = b")])
SAME: dict[str, Callable[[Reading], None]] = {
    "the number of a call is another one": lambda r: r.steps.__setitem__(0, bundle(number=7)),
    "the steps come in another order": lambda r: r.steps.insert(0, bundle("agent", op="same")),
    "a clock is otherwise": lambda r: r.warnings.append("clock of mx1: 63 s ahead of this"),
    "a host answered with other words": lambda r: r.warnings.append(warnings.not_read("mx2", "x")),
    "the token of the preview only reads": lambda r: r.steps.append(bundle("acme-dns-tokens")),
}
OTHER: dict[str, Callable[[Reading], None]] = {
    "a file gets another line": lambda r: r.steps.__setitem__(0, bundle(text="b")),
    "a step more": lambda r: r.steps.append(bundle("unbound")),
    "a step less": lambda r: r.steps.clear(),
    "another operation": lambda r: r.steps.__setitem__(0, bundle(op="delete")),
    "the host drifted otherwise": lambda r: r.warnings.__setitem__(
        0, warnings.drift("mx1", "postfix", "main.cf differs\n+mallory")
    ),
    "the host drifted no more": lambda r: r.warnings.clear(),
    "others have a record more in a zone": lambda r: r.warnings.append(warnings.zones("an MX")),
    "the first tokens of a host": lambda r: r.steps.append(bundle("acme-dns-tokens", op="create")),
}


@pytest.mark.parametrize("state", SAME)
def test_same_plan_when(state: str) -> None:
    changed = copy.deepcopy(BASE)
    SAME[state](changed)
    assert digest(changed) == digest(BASE)


def test_same_plan_when_a_service_that_ends_by_itself_ended_once_more() -> None:
    first, second = (
        digest(
            Reading(warnings=[warnings.drift("mx1", "postfix", f"a.service: not active{since}")])
        )
        for since in (" since Sat 2026-11-28 03:12:07 UTC", " since Sat 2026-11-28 03:13:09 UTC")
    )
    assert first == second


@pytest.mark.parametrize("state", OTHER)
def test_another_plan_when(state: str) -> None:
    changed = copy.deepcopy(BASE)
    OTHER[state](changed)
    assert digest(changed) != digest(BASE)
