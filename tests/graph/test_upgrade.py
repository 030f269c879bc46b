"""The upgrade note in CHANGELOG.md is what an `up` over hosts of the former version changes.

tests/graph/former.json has the resources of the former version and its commit, as
tests/long/former-version wrote them.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.graph import summary
from tests.support.upgrade_note import noted, without_hosts

FORMER = json.loads((Path(__file__).parent / "former.json").read_text())


@pytest.fixture(scope="module")
def now() -> dict[str, list[str]]:
    return summary()


def shown(now: dict[str, list[str]]) -> dict[str, set[str]]:
    """What a preview shows over the former version, without the hosts before the names."""
    before = FORMER["resources"]
    parts = {
        "New": now.keys() - before.keys(),
        "Changed": {name for name in now.keys() & before.keys() if now[name] != before[name]},
        "Removed": before.keys() - now.keys(),
    }
    return {part: without_hosts(names) for part, names in parts.items()}


def test_upgrade_note_names_what_a_preview_shows_and_nothing_else(
    now: dict[str, list[str]],
) -> None:
    commit, note = noted()
    assert commit == FORMER["commit"]
    assert note == shown(now), "correct the upgrade note at the top of CHANGELOG.md"


def test_no_resource_of_the_former_version_is_replaced(now: dict[str, list[str]]) -> None:
    before = FORMER["resources"]
    types = {name: (before[name][0], now[name][0]) for name in now.keys() & before.keys()}
    assert {name: pair for name, pair in types.items() if pair[0] != pair[1]} == {}
