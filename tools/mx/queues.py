"""How many messages wait in the queue of each MX host."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from components.settings.environment import Settings

from . import hosts
from .console import safe

# One line of JSON for each message (postqueue(1), since Postfix 3.1).
_COUNT = (
    "sh -c 'command -v postqueue >/dev/null || { echo 0; exit 0; }; "
    'queue=$(postqueue -j) || exit 1; printf %s "$queue" | grep -c . || true\''
)


def count(settings: Settings) -> dict[str, int | None]:
    """The number of messages in each host's queue; None where the queue could not be read."""
    answers = hosts.run(settings, settings.hosts, hosts.sudo(settings) + _COUNT)
    return {
        key: int(out) if code == 0 and out.strip().isdecimal() else None
        for key, (code, out, _) in answers.items()
    }


def table(counted: Mapping[str, int | None]) -> Table:
    """The numbers as a table."""
    found = Table(box=None, pad_edge=False, header_style="dim")
    found.add_column("host")
    found.add_column("messages in the queue", justify="right")
    for key, number in counted.items():
        found.add_row(safe(key), "not read" if number is None else str(number))
    return found
