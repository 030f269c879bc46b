"""Zones while their API does not answer, and records that somebody changed at the API."""

from __future__ import annotations

from components.settings.environment import from_mapping
from components.stack.zones import Kept, changed, unknown_zones
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


THEN, LATER = "2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z"


def there(identifier: str, modified: str) -> dict[str, str]:
    return {"id": identifier, "modified_on": modified}


def test_record_that_the_api_has_as_the_stack_left_it_is_not_read_again() -> None:
    kept = {MX: Kept("1", ID, THEN), ADDRESS: Kept("2", ID, THEN)}
    # The API has fractions, and the plug-in leaves them out of the state.
    listed = {ZONE: [there("1", "2026-01-02T03:04:05.678901Z"), there("2", THEN), there("3", "")]}
    assert changed(SETTINGS, kept, listed) == []


def test_record_that_was_changed_or_deleted_or_that_nobody_listed() -> None:
    kept = {
        "changed": Kept("1", ID, THEN),
        "deleted": Kept("2", ID, THEN),
        "elsewhere": Kept("3", OTHER, THEN),
        "without-a-time": Kept("4", ID),
        "same": Kept("5", ID, THEN),
    }
    listed = {
        ZONE: [there("1", LATER), there("3", THEN), there("4", THEN), there("5", THEN)],
    }
    assert changed(SETTINGS, kept, listed) == sorted(kept.keys() - {"same"})
