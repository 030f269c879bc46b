"""A short run of scripts/load: more mail at once than a busy host takes, and none is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.long.load import hosts, table
from tests.long.load.run import Run

pytestmark = pytest.mark.host

RATE, SECONDS = 100, 2


def test_mail_beyond_the_limit_waits_or_gets_4xx_and_none_is_lost_or_doubled(
    lab: dict[str, str], tmp_path: Path
) -> None:
    hosts.mend()
    with hosts.strangers(), hosts.Mailbox(tmp_path) as mailbox:
        found = Run(mailbox, tmp_path).overload(RATE, SECONDS)
    text = table.overload(found)
    print(text)
    assert found.verdict.offered == RATE * SECONDS
    assert found.verdict.accepted > 0, text
    assert found.verdict.held, text
    assert found.queue_empty, text
