"""The double as a program: `python3 -m lab.cloudflare_api`."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from .app import SCOPES, start
from .knot import Knot
from .state import Api


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Double of Cloudflare's API for DNS")
    parser.add_argument("--listen", required=True, metavar="ADDR:PORT")
    parser.add_argument("--state", required=True, type=Path, help="file, or its directory")
    parser.add_argument("--token", required=True, action="append", metavar="TOKEN[:SCOPE,...]")
    parser.add_argument("--zone", required=True, action="append", metavar="NAME=ID")
    parser.add_argument("--knot", action="store_true", help="serve through knotc")
    parser.add_argument("--rate", type=int, default=1200, help="requests of a token in 5 minutes")
    options = parser.parse_args(arguments)
    options.tokens = {}
    for item in options.token:
        token, _, scopes = item.partition(":")
        chosen = frozenset(scopes.split(",")) if scopes else SCOPES
        if not chosen <= SCOPES:
            parser.error(f"unknown scope in --token: {', '.join(sorted(chosen - SCOPES))}")
        options.tokens[token] = chosen
    options.zones = {}
    for item in options.zone:
        name, separator, number = item.partition("=")
        if not separator or not re.fullmatch(r"[0-9a-f]{32}", number):
            parser.error(f"--zone {item}: not NAME=ID with an id of 32 hexadecimal digits")
        options.zones[name.lower().rstrip(".")] = number
    return options


def main() -> None:
    """Serve until ended."""
    options = parse()
    knot = Knot() if options.knot else None
    api = Api(options.state, options.zones, options.tokens, knot, options.rate)
    host, _, port = options.listen.rpartition(":")
    start(api, host.strip("[]"), int(port)).serve_forever()


if __name__ == "__main__":
    main()
