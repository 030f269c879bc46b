"""Texts of clients in the mail log: none stops the collector or forges a metric.

tests/long/log-texts says thousands of them.
"""

from __future__ import annotations

import pytest

from tests.support.log_texts import fuzz

from .conftest import MX1, Ssh

pytestmark = pytest.mark.host


def test_no_text_in_the_log_stops_or_forges_a_metric(ssh: Ssh) -> None:
    seen = fuzz(ssh, "mx1", MX1, seed=16, number=80)
    assert seen.faults() == []
    assert seen.answered["accepted"] >= 5
