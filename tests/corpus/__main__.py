"""Replay the corpus; see scripts/corpus --help."""

from __future__ import annotations

import json
import sys

from tests.corpus.replay import PLUGINS, Count, replay


def main(arguments: list[str]) -> int:
    """Print what differs, then the count; 1 when anything differs."""
    verbose = "--verbose" in arguments
    wanted = [word for word in arguments if not word.startswith("-")]
    total = Count()
    for plugin in PLUGINS:
        for name, count in replay(plugin, wanted):
            for _, _, outcome in count.different:
                print(f"{plugin}/{name} #{outcome.number}: {outcome.call.get('label')}")
                if verbose:
                    print("  recorded:", json.dumps(outcome.wanted, sort_keys=True))
                    print("  stand-in:", json.dumps(outcome.got, sort_keys=True))
            total.equal += count.equal
            total.left_out += count.left_out
            total.different += count.different
    print(total)
    return 1 if total.different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
