"""docs/plug-ins.md: each surprise of the vendor's plug-ins has tests, which are there."""

from __future__ import annotations

import re

from tests.support.stacks import ROOT

PAGE = (ROOT / "docs/plug-ins.md").read_text()
# A row: its number, the original, MX, and the names of tests.
ROW = re.compile(r"^\| (\d+) \|[^|]+\|[^|]+\|([^|]+)\|$", re.MULTILINE)


def test_each_surprise_of_the_plug_ins_has_a_test_that_is_there() -> None:
    rows = {int(number): re.findall(r"`(test_\w+)`", names) for number, names in ROW.findall(PAGE)}
    assert [*rows] == [*range(1, 14)]
    assert [number for number, names in rows.items() if not names] == []
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }
    assert {name for names in rows.values() for name in names} - there == set()
