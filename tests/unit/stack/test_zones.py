"""Zones while their API does not answer: only those that the state knows are planned with."""

from __future__ import annotations

from components.settings.environment import from_mapping
from components.stack.zones import Kept, unknown_zones
from tests.support.mapping import mapping

SILENT = "the API of the zones did not answer: GET zones: timed out"
SETTINGS = from_mapping(mapping())
[ZONE] = SETTINGS.dns.zones
ID, OTHER = SETTINGS.dns.zones[ZONE], "f" * 32
MX, ADDRESS = f"mx-{ZONE}-mx1", "a-mx1"


def test_zone_that_the_state_has_records_in_is_planned_with() -> None:
    assert unknown_zones(SETTINGS, {MX: Kept("1", ID), ADDRESS: Kept("2", ID)}, SILENT) == []


def test_first_deployment_is_refused() -> None:
    [line] = unknown_zones(SETTINGS, {}, SILENT)
    assert line.startswith(f"dns.zones.{ZONE}: {SILENT}; the state has no record in the zone {ID}")


def test_zone_with_another_id_than_in_the_state_is_refused() -> None:
    for kept in (
        {MX: Kept("1", OTHER), ADDRESS: Kept("2", OTHER)},
        {MX: Kept("1", ID), ADDRESS: Kept("2", OTHER)},
        {MX: Kept("1", OTHER), ADDRESS: Kept("2", ID)},
    ):
        assert len(unknown_zones(SETTINGS, kept, SILENT)) == 1
