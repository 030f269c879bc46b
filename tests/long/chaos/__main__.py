"""The command line; see scripts/chaos --help."""

from __future__ import annotations

import os
import sys

from lab.environment import environment
from lab.topology import MX1, MX2
from tools.arguments import Parser

from . import faults, world
from .run import Run
from .table import table


def main() -> int:
    """Exit 0 when everything held, 1 when it did not."""
    parser = Parser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20, help="how long faults are made (20)")
    parser.add_argument("--seed", type=int, default=1, help="which faults, in which order (1)")
    parser.add_argument("--rate", type=float, default=3, help="messages a second (3)")
    options = parser.parse_args()
    world.mend()
    for host in (MX1, MX2):
        faults.mend(host)
    run = Run(options.seed, os.environ | environment())
    result = run.go(options.minutes, options.rate)
    text = table(result)
    (run.folder / "table.txt").write_text(f"{text}\n")
    print(text)
    print(f"journal, log of up and this table: {run.folder}", file=sys.stderr)
    return 0 if result.held else 1


if __name__ == "__main__":
    sys.exit(main())
