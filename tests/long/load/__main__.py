"""The command line; see scripts/load --help."""

from __future__ import annotations

import signal
import sys
import time

from lab.topology import STATE
from tools.arguments import Parser

from . import hosts, table
from .run import BEYOND, MOSTLY, Run, Step


def main() -> int:
    """Exit 0 when everything held, 1 when it did not."""
    parser = Parser(prog="scripts/load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="of each step (20)")
    parser.add_argument("--minutes", type=float, default=20, help="beyond the limit (20); 0: none")
    parser.add_argument("--limit", type=float, help="messages a second; none is measured then")
    options = parser.parse_args()
    # So that what was made on the hosts goes with this process.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    folder = STATE / "load" / str(int(time.time()))
    folder.mkdir(parents=True)
    hosts.mend()
    held, texts = True, list[str]()
    with hosts.strangers(), hosts.Mailbox(folder) as mailbox:
        run, limit = Run(mailbox, folder), options.limit
        if limit is None:
            steps = list[Step](run.limits(options.seconds))
            texts.append(table.limits(steps))
            print(texts[-1], flush=True)
            held = all(each.verdict.held for each in steps)
            limit = table.limit(steps, "mx", MOSTLY).verdict.rate
        if options.minutes:
            found = run.overload(BEYOND * limit, options.minutes * 60)
            texts.append(table.overload(found))
            print(f"\n{texts[-1]}", flush=True)
            held = held and found.held
    (folder / "table.txt").write_text("\n\n".join(texts) + "\n")
    print(f"load: journals and this table: {folder}", file=sys.stderr)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
