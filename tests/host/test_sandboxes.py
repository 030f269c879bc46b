"""What each service may do on a host, as systemd-analyze(1) rates it: 0 nothing, 10 everything."""

from __future__ import annotations

import pytest

from components.mail_exchanger import SERVICES

from .conftest import Ssh

pytestmark = pytest.mark.host

OURS, PACKAGED = 4.0, 6.0
RATE = (
    "for unit in $(systemctl list-unit-files --no-legend {units} | cut -d' ' -f1 | "
    "sed 's/@[.]/@-./'); do "
    'systemd-analyze security --no-pager "$unit" | tail -n 1; done'
)


def test_every_unit_of_ours_and_of_packages_is_in_a_sandbox(ssh: Ssh) -> None:
    named = sorted({unit for service in SERVICES for unit in service.UNITS})
    services = [unit for unit in named if unit.endswith(".service")]
    text = ssh("mx1", RATE.format(units=" ".join(["'mx-*.service'", "'postfix@*'", *services])))
    # "-> Overall exposure level for nginx.service: 2.6 OK :-)"
    rated = {}
    for line in text.splitlines():
        words = line.split()
        rated[words[5].rstrip(":")] = float(words[6])
    ours = {unit: figure for unit, figure in rated.items() if unit.startswith("mx-")}
    assert len(ours) >= 10, rated
    assert len(rated) - len(ours) >= 8, rated
    too_much = {
        unit: figure
        for unit, figure in rated.items()
        if figure >= (OURS if unit in ours else PACKAGED)
    }
    assert too_much == {}
