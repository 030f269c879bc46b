"""Every story on both kinds of server; the words that an operator reads are printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.long.backends.servers import KINDS, server
from tests.support import shared_state


@pytest.mark.parametrize(
    "story", [shared_state.one_at_a_time, shared_state.killed, shared_state.lost]
)
@pytest.mark.parametrize("kind", KINDS)
def test_state_on_a_server(
    kind: str, story: Callable[..., shared_state.Words], tmp_path: Path
) -> None:
    with server(kind, tmp_path) as found:
        words = story(tmp_path, found, KINDS[kind])
    for what, text in words.items():
        print(f"\n[{kind}] {what}:\n{text}")
