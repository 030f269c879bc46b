"""A sample of tests/long/dpkg-cut: dpkg dies, and the next `up` needs nobody's help."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from lab.topology import MX1
from tests.long.dpkg_cut.cut import Moment, cut, left

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]


def test_up_converges_after_dpkg_was_killed_with_a_service_half_configured(
    lab: dict[str, str], pulumi: Pulumi
) -> None:
    moment = Moment("status: redis-server: half-configured", False, "redis", "redis-server")
    assert "redis-server" in cut(MX1, moment)
    done = pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert left(MX1) == []
