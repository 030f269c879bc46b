"""Compare the audit with a real Postfix: python -m tests.long.audit --root 3.10=DIRECTORY ..."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path

from tests.long.audit.compare import agreement
from tests.long.audit.fixes import FAULTS, mended
from tests.long.audit.generate import cases
from tests.long.audit.real import Postfix


def _fixes(item: str) -> bool:
    """Try every file of fixes.py before and after; tell whether one does not work after."""
    version, _, root = item.partition("=")
    postfix, bad = Postfix(Path(root)), False
    with postfix.network():
        for name in FAULTS:
            before, after = (postfix.try_file(text, check=True) for text in mended(name))
            bad |= after.verdict != "fine"
            print(f"{version} {name:32} {before.verdict:10} {after.verdict}", flush=True)
    return bad


def main() -> int:
    """Exit codes: 0 the audit agrees, 1 it does not."""
    parser = argparse.ArgumentParser(prog="tests/long/audit-agreement", description=__doc__)
    parser.add_argument("--root", action="append", required=True, metavar="VERSION=DIRECTORY")
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="number of the file to begin with")
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--record", type=Path, help="write what Postfix did as JSON")
    parser.add_argument("--fixes", action="store_true", help="try what --fix makes instead")
    options = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if options.fixes:
        bad_roots = [item for item in options.root if _fixes(item)]
        return 1 if bad_roots else 0
    records: list[dict[str, object]] = []
    bad = 0
    for item in options.root:
        version, _, root = item.partition("=")
        table: Counter[tuple[str, str]] = Counter()
        postfix = Postfix(Path(root))
        with postfix.network():
            for at, case in enumerate(cases(options.files, options.seed, version)):
                if at < options.first:
                    continue
                seen = postfix.try_file(case.text, check=at % 15 == 0)
                result, why = agreement(case.text, version, seen.record())
                table[case.kind, result] += 1
                records.append(
                    {"version": version, "kind": case.kind, "text": case.text, **seen.record()}
                )
                if options.record:
                    options.record.write_text(json.dumps(records, indent=1) + "\n")
                if result not in ("agrees", "stricter"):
                    bad += 1
                    print(f"{version} {case.name} {case.kind}: {result}: {why}")
                    print(f"  {json.dumps(seen.record())}")
                    print("  | " + case.text.replace("\n", "\n  | ").rstrip("| "), flush=True)
        print(f"{version}:")
        for (kind, result), count in sorted(table.items()):
            print(f"  {kind:8} {result:10} {count}")
        sys.stdout.flush()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
