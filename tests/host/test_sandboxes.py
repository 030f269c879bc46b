"""What each service may do on a host, as systemd-analyze(1) rates it: 0 nothing, 10 everything."""

from __future__ import annotations

import shlex

import pytest

from components.agent.paths import RECOVER_UNIT
from components.mail_exchanger import SERVICES
from components.settings.environment import Settings
from components.settings.stack_file import settings_of
from tests.support.stacks import manifests_of

from .conftest import Ssh

pytestmark = pytest.mark.host

OURS, PACKAGED = 4.0, 6.0
# Debian 12's postfix.service runs /bin/true; the processes are in postfix@-.service.
NO_SANDBOX = {12: {"postfix.service"}, 13: set()}
RATE = (
    "for unit in $(systemctl list-unit-files --no-legend {units} | cut -d' ' -f1 | "
    "sed 's/@[.]/@-./'); do "
    'systemd-analyze security --no-pager "$unit" | tail -n 1; done'
)


def of_the_stack(settings: Settings) -> tuple[set[str], set[str]]:
    """The services of this project and those of packages that the lab's stack puts on mx1."""
    written = {
        path.rpartition("/")[2]
        for manifest in manifests_of("lab", "mx1")
        for path in manifest.files
        if path.startswith("/etc/systemd/system/") and path.endswith(".service")
    }
    wanted = [service for service in SERVICES if service.wanted(settings, "mx1")]
    named = {unit for service in wanted for unit in service.UNITS if unit.endswith(".service")}
    return written | {RECOVER_UNIT}, {unit for unit in named if not unit.startswith("mx-")}


def rated(ssh: Ssh, *units: str) -> dict[str, float]:
    """The exposure of each of these units that the host has."""
    text = ssh("mx1", RATE.format(units=shlex.join(units)))
    # "-> Overall exposure level for nginx.service: 2.6 OK :-)"
    lines = [line.split() for line in text.splitlines()]
    return {words[5].rstrip(":"): float(words[6]) for words in lines}


def test_every_unit_of_ours_and_of_packages_is_in_a_sandbox(ssh: Ssh) -> None:
    settings = settings_of("lab")
    ours, packaged = of_the_stack(settings)
    found = rated(ssh, "mx-*.service", "postfix@*", *packaged)
    # Debian's Postfix has one unit an instance only until release 12.
    assert (ours | packaged) - set(found) <= {"postfix@-.service"}
    too_much = {
        unit
        for unit, figure in found.items()
        if figure >= (OURS if unit.startswith("mx-") else PACKAGED)
    }
    assert too_much == NO_SANDBOX[settings.hosts["mx1"].debian]
