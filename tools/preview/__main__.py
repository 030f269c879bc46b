"""`python -m tools.preview`: what scripts/preview calls.

Exit codes: 0 nothing changes, 1 the preview failed or cannot be read, 2 something changes,
64 wrong usage (sysexits(3)).
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

from tools.arguments import Parser
from tools.preview.budget import FORGES
from tools.preview.build import build
from tools.preview.markdown import markdown
from tools.preview.read import read

CODES = {"nothing": 0, "failed": 1, "changes": 2}
VERSION = 1


def main(arguments: list[str] | None = None) -> int:
    """Write the report of one preview to stdout; return the exit code."""
    parser = Parser(prog="report", description="a report of one `pulumi preview --json`")
    parser.add_argument("stack")
    parser.add_argument("preview", type=Path, help="what the engine printed")
    parser.add_argument("--exit-code", type=int, default=0, help="what the engine ended with")
    parser.add_argument("--stderr", type=Path, help="what the engine said on stderr")
    parser.add_argument("--forge", choices=sorted(FORGES), help="keep within its size limit")
    parser.add_argument("--budget", type=int, help="keep within this many bytes")
    parser.add_argument("--json", action="store_true", help="JSON instead of Markdown")
    options = parser.parse_args(arguments)
    stderr = options.stderr.read_text(errors="replace") if options.stderr else ""
    reading = read(options.preview.read_text(errors="replace"), options.exit_code, stderr)
    report = build(options.stack, reading)
    if options.json:
        document = {"version": VERSION, "verdict": report.verdict, **dataclasses.asdict(report)}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        budget = options.budget or FORGES.get(options.forge or "")
        print(markdown(report, budget), end="")
    return CODES[report.verdict]


if __name__ == "__main__":
    sys.exit(main())
