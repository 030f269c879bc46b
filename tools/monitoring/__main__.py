"""Writes the files of a monitoring server from the outputs of a stack (scripts/monitoring).

Reads what `pulumi stack output --json` prints on stdin. Files that are the same stay untouched, so
that Prometheus reads again only what changed; targets of hosts that are gone go with their file's
content.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from components.stack.outputs import Outputs
from tools.monitoring import alerts, dashboard, prometheus

RESOLVER = "1.1.1.1"
"""Cloudflare's public resolver, which validates."""
_HEAD = "# Written by scripts/monitoring; do not edit.\n"


def files(
    outputs: Outputs,
    runbooks: str,
    hold_factor: float = 1.0,
    ca_file: str | None = None,
    resolver: str = RESOLVER,
) -> dict[str, str]:
    """Path below the directory to its text. Raises ValueError when nothing is monitored."""
    if outputs.thresholds is None:
        raise ValueError("the stack has no `monitoring` in its settings: there is nothing to watch")
    rules = alerts.rules(alerts.alerts(outputs.thresholds), runbooks, hold_factor)
    found = {
        "prometheus.yml": _yaml(prometheus.configuration()),
        "rules.yml": _yaml(rules),
        "blackbox.yml": _yaml(prometheus.blackbox(outputs, ca_file)),
        "alertmanager.yml": _yaml(prometheus.alertmanager()),
        "dashboard.json": _json(dashboard.dashboard()),
    }
    for name, groups in prometheus.targets(outputs, resolver).items():
        found[f"targets/{name}"] = _json(groups)
    return found


def write(directory: Path, found: dict[str, str]) -> list[str]:
    """Write what differs, each file in one step; the names of those."""
    changed = []
    for name, text in found.items():
        path = directory / name
        if path.exists() and path.read_text() == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(text)
        fresh.replace(path)
        changed.append(name)
    return changed


def main(arguments: list[str] | None = None, printed: str | None = None) -> int:
    """Run the command line; exit 1 with one line for outputs or a directory of no use.

    printed: what `pulumi stack output --json` printed; stdin is read when it is not given.
    """
    parser = argparse.ArgumentParser(prog="scripts/monitoring STACK")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--runbooks", default="docs/runbooks", help="address of docs/runbooks")
    parser.add_argument(
        "--resolver", default=RESOLVER, help="that the DNS probes ask, by address (%(default)s)"
    )
    parser.add_argument("--ca-file", help="root of the MX hosts' certificates, on the server")
    parser.add_argument(
        "--hold-factor", type=float, default=1.0, help="shortens every alert's delay, for tests"
    )
    options = parser.parse_args(arguments)
    printed = sys.stdin.read() if printed is None else printed
    if printed.strip() in ("", "{}"):
        print("monitoring: the stack has no outputs: 'pulumi up' comes first", file=sys.stderr)
        return 1
    try:
        outputs = Outputs.model_validate_json(printed)
        found = files(
            outputs, options.runbooks, options.hold_factor, options.ca_file, options.resolver
        )
    except ValidationError as error:
        for each in error.errors():
            path = ".".join(str(part) for part in each["loc"])
            print(f"monitoring: outputs.{path}: {each['msg']}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"monitoring: {error}", file=sys.stderr)
        return 1
    try:
        changed = write(options.directory, found)
    except OSError as error:
        print(f"monitoring: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    for name in changed:
        print(f"written: {options.directory / name}")
    return 0


def _yaml(document: Any) -> str:
    return _HEAD + yaml.safe_dump(document, sort_keys=False, width=100)


def _json(document: Any) -> str:
    return json.dumps(document, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
