"""`[--number N] [--seed N]`: say N texts to mx1 of the running lab; exit code 1 when one was taken.

They are said in rounds of 300, each with a seed of its own, so that a fault can be made again.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from lab import container, topology
from tests.support.log_texts import fuzz

ROUND = 300


def _ssh(host: str, command: str) -> str:
    return container.inside(topology.host(host), ["timeout", "600", "bash", "-c", command])


def main() -> int:
    """Exit codes: 0 no text stopped or forged a metric, 1 one did."""
    parser = argparse.ArgumentParser(prog="tests/long/log-texts", description=__doc__)
    parser.add_argument("--number", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    total: Counter[str] = Counter()
    wrong = 0
    for seed in range(given.seed, given.seed + max(1, given.number // ROUND)):
        seen = fuzz(_ssh, "mx1", topology.MX1.address, seed, ROUND)
        total.update(seen.answered)
        for fault in seen.faults():
            print(f"seed {seed}: {fault}")
            wrong += 1
        print(f"seed {seed}: {ROUND} texts, {seen.answered}", flush=True)
    print(f"in all: {dict(total)}; {wrong} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
