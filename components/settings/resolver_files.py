"""Reads the resolver's files of trust anchors and root hints, and checks their records."""

from __future__ import annotations

from collections.abc import Collection

from components.settings import given_files
from components.settings.resource_record import fault_of


def read_records(name: str, types: Collection[str]) -> str:
    """The text of such a file. Raises SettingsError: file, line and what was expected."""
    data = given_files.read_given(name)
    given_files.lines(given_files.shown(name), data, ";", lambda line: fault_of(line, types))
    return data.decode()
