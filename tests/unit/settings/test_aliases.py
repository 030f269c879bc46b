"""Cycles of aliases, by the addresses that cleanup(8) looks up."""

from __future__ import annotations

import pytest

from components.settings.aliases import Addresses, contradictions

A, B = "a.test", "b.test"


@pytest.mark.parametrize(
    ("aliases", "cycle"),
    [
        (
            {A: {"x": ["y@a.test", "z@a.test"], "y": ["x@a.test"]}},
            "x@a.test -> y@a.test -> x@a.test;",
        ),
        ({A: {"x": ["x@b.test"]}, B: {"x": ["x@a.test"]}}, "x@a.test -> x@b.test -> x@a.test;"),
        ({A: {"x": ["x-archive@a.test"]}}, "x@a.test -> x@a.test;"),
    ],
    ids=["with_another_target", "over_two_domains", "with_an_extension"],
)
def test_a_cycle_is_named(aliases: dict[str, dict[str, list[str]]], cycle: str) -> None:
    [line] = contradictions(addresses(aliases))
    assert line.startswith(f"domains.a.test.aliases.x: the alias leads back to itself: {cycle}")


@pytest.mark.parametrize(
    "aliases",
    [
        {A: {"x": ["x@a.test", "y@a.test"], "y": ["z@a.test"]}},
        {A: {"x": ["z@a.test"], "y": ["z@a.test"], "z": ["out@elsewhere.test"]}},
        {A: {"x": ["-y@a.test"]}},
        {A: {"x": ["x-all@a.test"], "x-all": ["y@a.test"]}},
    ],
    ids=["itself_beside_others", "two_ways_to_one", "begins_with_a_delimiter", "alias_of_its_own"],
)
def test_what_ends_is_accepted(aliases: dict[str, dict[str, list[str]]]) -> None:
    assert list(contradictions(addresses(aliases))) == []


def addresses(aliases: dict[str, dict[str, list[str]]]) -> Addresses:
    """Aliases of two domains whose other recipients stand in files."""
    return Addresses(dict.fromkeys((A, B)), aliases, delimiters="+-")
