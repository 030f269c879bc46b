"""Verbs that have no use for their input take it all the same: plug-ins fail otherwise."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from components.agent import main as cli
from tests.support.agent_host import Staged


@contextmanager
def standard_input() -> Iterator[int]:
    """Standard input is a pipe; the end to write into."""
    kept, (read, write) = os.dup(0), os.pipe()
    os.dup2(read, 0)
    os.close(read)
    try:
        yield write
    finally:
        os.dup2(kept, 0)
        os.close(kept)


@pytest.mark.parametrize("verb", [["remove", "absent"], ["uninstall"]])
def test_a_removal_takes_all_of_its_input(agent: Staged, verb: list[str]) -> None:
    def feed(write: int) -> None:
        with open(write, "wb") as file:
            file.write(b"x" * 3_000_000)

    with ThreadPoolExecutor(1) as pool, standard_input() as write:
        fed = pool.submit(feed, write)
        cli.main(verb, agent)
        fed.result(30)


def test_a_removal_by_hand_does_not_wait_for_input(
    agent: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_NO_INPUT_SECONDS", 0.05)
    with standard_input() as write:
        assert cli.main(["remove", "absent"], agent) == 0
        os.close(write)
