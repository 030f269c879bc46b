"""Every recorded answer of the vendor's plug-ins (tests/corpus), beside the stand-ins'."""

from __future__ import annotations

import pytest

from tests.corpus.reasons import REASONS
from tests.corpus.replay import PLACEHOLDERS, PLUGINS, left_out, numbers, replay
from tests.corpus.scenario import scenarios, whole

pytestmark = pytest.mark.engine

# How many calls may be left out: these numbers go down, never up.
MOST_LEFT_OUT = {"command": 363, "cloudflare": 304}
RECORDED = {"command": 2569, "cloudflare": 3839}


def calls(plugin: str) -> dict[str, int]:
    return {name: len(packed["calls"]) for name, packed in scenarios(plugin)}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_list_of_what_is_left_out_shrinks(plugin: str) -> None:
    there, listed = calls(plugin), left_out()[plugin]
    assert sum(there.values()) == RECORDED[plugin]
    assert {*listed} <= {*there}
    out = sum(len(numbers(reasons)) for reasons in listed.values())
    assert out == sum(len(each) for reasons in listed.values() for each in reasons.values())
    assert out <= MOST_LEFT_OUT[plugin]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_call_that_is_left_out_for_a_reason_that_is_not_true(plugin: str) -> None:
    listed, wrong = left_out()[plugin], []
    for name, packed in scenarios(plugin):
        if name not in listed:
            continue
        scenario = whole(packed, {**dict.fromkeys(PLACEHOLDERS, "x"), "PORT": 22})
        for key, found in listed[name].items():
            wrong += [
                f"{name} #{number}: {REASONS[key].words}"
                for number in found
                if not REASONS[key].holds(scenario["calls"][number], scenario, number)
            ]
    assert wrong == []


@pytest.mark.parametrize("plugin", PLUGINS)
def test_stand_in_answers_as_the_original(plugin: str) -> None:
    different = [
        f"{plugin}/{name} #{outcome.number}: {outcome.wanted} is not {outcome.got}"
        for name, count in replay(plugin)
        for _, _, outcome in count.different
    ]
    assert different == []
