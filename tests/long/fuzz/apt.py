"""Readers of what apt reads: deb822 stanzas, and a key that must be one."""

from __future__ import annotations

import email.parser
from collections.abc import Iterable

from components.settings import openpgp


def stanzas(text: str) -> Iterable[tuple[str, str]]:
    """Fields of stanzas (sources.list(5), apt_preferences(5)); a line that is none is a fault."""
    for number, each in enumerate(text.split("\n\n")):
        lines = [line for line in each.splitlines(keepends=True) if not line.startswith("#")]
        found = email.parser.HeaderParser().parsestr("".join(lines))
        if found.defects or found.get_payload():
            raise ValueError(f"no field: {found.defects or found.get_payload()}")
        yield from ((f"{number}.{name}", str(value)) for name, value in found.items())


def key(text: str) -> Iterable[tuple[str, str]]:
    """The fingerprint of the one key in ASCII armour."""
    yield "key", openpgp.public_key(text)[0]
