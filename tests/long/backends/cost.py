"""`python -m tests.long.backends.cost [DOMAINS]`: records, on each kind of state in turn.

Prints a table: seconds, and their ratio beside the state in a folder, which takes its turn at the
same load.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.records import measure
from tests.long.backends.servers import KINDS, server

_STEPS = ("preview", "up", "no change")


def main(domains: int) -> None:
    """Measure and print. Nine records a domain: 110 domains have 1,003."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    print("| state | records | way | preview s | up s | no change s | ratios |")
    print("|---|---|---|---|---|---|---|")
    for at_once in (True, False):
        folder_state = measure(domains, at_once)
        _row("folder", at_once, folder_state, folder_state)
        for kind, more in KINDS.items():
            os.environ.update(more)
            with (
                tempfile.TemporaryDirectory(prefix="mx-state-") as name,
                server(kind, Path(name)) as found,
            ):
                _row(kind, at_once, measure(domains, at_once, found.url), folder_state)


def _row(kind: str, at_once: bool, seconds: dict[str, float], beside: dict[str, float]) -> None:
    way = "up --bulk" if at_once else "up"
    cells = [kind, str(int(seconds["records"])), way]
    cells += [f"{seconds[step]:.1f}" for step in _STEPS]
    cells.append(", ".join(f"{seconds[step] / beside[step]:.2f}" for step in _STEPS))
    print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 110)
