"""Text that YAML reads as a number or a truth value, because it has no quotes."""

from __future__ import annotations

import pytest

from components.settings.engine_yaml import plain
from components.settings.environment import from_mapping
from components.settings.faults import SettingsError
from tests.support.mapping import mapping


@pytest.mark.parametrize(
    ("written", "read"),
    [("00000000000000000000000000000010", "8"), ("1e2", "100"), ("true", "true")],
)
def test_zone_id_that_yaml_reads_as_a_number_asks_for_quotes(written: str, read: str) -> None:
    settings = mapping()
    zones = settings["dns"]["zones"]
    zones[next(iter(zones))] = plain(written)
    with pytest.raises(
        SettingsError, match=f"without quotes YAML reads this as {read}, not as"
    ) as e:
        from_mapping(settings)
    assert f'write "{read}" (' in str(e.value)
