"""Every recorded answer of the vendor's plug-ins (tests/corpus), beside the stand-ins'."""

from __future__ import annotations

import pytest

from tests.corpus.replay import PLUGINS, left_out, numbers, replay
from tests.corpus.scenario import scenarios

pytestmark = pytest.mark.engine

# How many calls may be left out: these numbers go down, never up.
MOST_LEFT_OUT = {"command": 529, "cloudflare": 850}
RECORDED = {"command": 2569, "cloudflare": 3839}


def calls(plugin: str) -> dict[str, int]:
    return {name: len(packed["calls"]) for name, packed in scenarios(plugin)}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_list_of_what_is_left_out_shrinks(plugin: str) -> None:
    there, listed = calls(plugin), left_out()[plugin]
    assert sum(there.values()) == RECORDED[plugin]
    assert {*listed} <= {*there}
    for name, reasons in listed.items():
        assert max(numbers(reasons, there[name])) < there[name], name
        assert all(reason.strip() for reason in reasons), name
    out = sum(len(numbers(reasons, there[name])) for name, reasons in listed.items())
    assert out <= MOST_LEFT_OUT[plugin]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_stand_in_answers_as_the_original(plugin: str) -> None:
    different = [
        f"{plugin}/{name} #{outcome.number}: {outcome.wanted} is not {outcome.got}"
        for name, count in replay(plugin)
        for _, _, outcome in count.different
    ]
    assert different == []
