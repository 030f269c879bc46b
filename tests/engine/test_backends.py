"""The state on a real PostgreSQL: two operators, a server that restarts, a lock left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import shared_state
from tests.support.backends import Server, postgres

pytestmark = pytest.mark.engine


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with postgres() as server:
        yield server


def test_second_operator_is_refused_and_a_restarted_server_loses_nothing(
    tmp_path: Path, server: Server
) -> None:
    shared_state.one_at_a_time(tmp_path, server, {})


def test_killed_operator_leaves_a_lock_that_cancel_frees_and_up_finds_what_was_done(
    tmp_path: Path, server: Server
) -> None:
    shared_state.killed(tmp_path, server, {})
