"""Lines, bytes and the order of the report."""

from __future__ import annotations

import pytest

from components.audit import audit

SMALL = "compatibility_level = 3.6\nsmtpd_forbid_bare_newline = normalize\n"


@pytest.mark.parametrize("separator", ["\f", "\v", "\x1c", "\x85", "\u2028", "\u2029", "\r"])
def test_line_separators_that_end_no_line(separator: str) -> None:
    found = audit(SMALL + f"# one{separator}two = 3\nsoft_bounce = yes\n")
    assert [(one.parameter, one.line) for one in found] == [("soft_bounce", 4)]


def test_bytes_of_no_encoding() -> None:
    found = audit((SMALL + "soft_bounce = yes\n").encode() + b"# \xe4\xff\xfe\n\x00\n")
    assert ("soft_bounce", 3) in [(one.parameter, one.line) for one in found]


def test_tables_of_berkeley_db_are_one_finding_with_a_count() -> None:
    text = SMALL + "alias_maps = hash:/a\nvirtual_alias_maps = hash:/b\ncanonical_maps = btree:/c\n"
    found = audit(text)
    assert [one.parameter for one in found] == ["alias_maps"]
    assert "and 2 more lines" in found[0].reason


def test_most_dangerous_comes_first() -> None:
    found = audit(SMALL + "alias_maps = hash:/a\nbiff = maybe\nmynetworks = 0.0.0.0/0\n")
    assert [one.severity for one in found] == ["critical", "critical", "low"]
