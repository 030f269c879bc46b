"""A short run of scripts/chaos: mixed faults on everything at once, and no message is lost."""

from __future__ import annotations

import pytest

from lab.topology import MX1, MX2
from tests.long.chaos import faults, world
from tests.long.chaos.run import Run
from tests.long.chaos.table import table

pytestmark = pytest.mark.host

SEED, MINUTES, RATE = 19, 1.5, 3


def test_mixed_faults_under_a_stream_lose_bounce_and_damage_nothing(lab: dict[str, str]) -> None:
    world.mend()
    for host in (MX1, MX2):
        faults.mend(host)
    result = Run(SEED, lab).go(MINUTES, RATE)
    print(table(result))
    assert result.held, table(result)
