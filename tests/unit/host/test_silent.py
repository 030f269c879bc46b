"""When a host is looked at before the first command there."""

from __future__ import annotations

from typing import Any

import pytest

from components.host import silent


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hosts that were looked at; each says nothing."""
    hosts: list[str] = []

    def look(key: str, address: str, port: int) -> None:
        del address, port
        hosts.append(key)
        raise silent.Silent(f"{key} says nothing")

    monkeypatch.setattr(silent, "look", look)
    return hosts


def before(look: silent.Look) -> None:
    arguments: Any = None
    look._before(arguments)


def test_host_that_just_answered_is_not_looked_at_until_it_was_long_ago(
    looked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("components.host.silent.time.monotonic", lambda: now[0])
    look = silent.Look("mx1", "192.0.2.1", 22, answered=True)
    before(look)
    assert not looked
    now[0] += 31
    with pytest.raises(silent.Silent, match="mx1 says nothing"):
        before(look)
    assert looked == ["mx1"]


def test_host_that_was_not_asked_is_looked_at_once(looked: list[str]) -> None:
    look = silent.Look("mx1", "192.0.2.1", 22)
    for _ in range(2):
        with pytest.raises(silent.Silent):
            before(look)
    assert looked == ["mx1"]


def test_host_that_is_refused_is_not_looked_at(looked: list[str]) -> None:
    with pytest.raises(silent.Silent, match="too old"):
        before(silent.Look("mx1", "192.0.2.1", 22, "mx1 is too old", answered=True))
    assert not looked
