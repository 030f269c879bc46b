"""Lines of dns.adopt whose record is there, was taken over, was made anew, or is gone."""

from __future__ import annotations

import pulumi
import pytest

from components.settings.environment import from_mapping
from components.stack import adopted
from tests.support.mapping import mapping

[ZONE] = from_mapping(mapping()).dns.zones
KEY, NAME, LINE = f"mx-{ZONE}-mx1", ZONE, "f" * 32


def record(identifier: str, name: str = NAME, kind: str = "MX") -> dict[str, str]:
    return {"id": identifier, "name": name, "type": kind}


@pytest.mark.parametrize(
    ("kept", "listed", "wanted", "told_of"),
    [
        ("", [record(LINE)], {KEY: LINE}, ""),
        (LINE, [record(LINE)], {}, ""),
        ("new", [record("new")], {}, "made the record anew, with the ID new: write this ID"),
        ("", [record("a", "other.test")], {}, f"with the ID {LINE}; a new record is created"),
        (
            "",
            [record("a"), record("b", NAME.upper()), record("c", NAME, "TXT")],
            {},
            "Of its name and type there is a and b: write the ID that is meant",
        ),
        # Nobody listed the zones: nothing is known to be gone.
        ("", [], {KEY: LINE}, ""),
        (LINE, [], {}, ""),
    ],
)
def test_a_line_of_adopt_has(
    kept: str,
    listed: list[dict[str, str]],
    wanted: dict[str, str],
    told_of: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = mapping()
    values["dns"]["adopt"] = {KEY: LINE}
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warnings.append)
    state = {KEY: kept} if kept else {}
    assert adopted.left(from_mapping(values), state, {ZONE: listed}) == wanted
    assert len(warnings) == bool(told_of)
    assert told_of in "".join(warnings)
