"""Writes the files of a monitoring server from the outputs of a stack (scripts/monitoring).

Reads what `pulumi stack output --json` prints on stdin. Files that are the same stay untouched, so
that Prometheus reads again only what changed; targets of hosts that are gone go with their file's
content.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from components.stack.outputs import Outputs
from tools.arguments import Parser
from tools.monitoring import alerts, dashboard, prometheus, readable

RESOLVER = "1.1.1.1"
"""Cloudflare's public resolver, which validates."""
ROOT = Path(__file__).resolve().parents[2]
# https://HOST/OWNER/NAME.git, ssh://git@HOST/OWNER/NAME.git and git@HOST:OWNER/NAME.git.
_REMOTE = re.compile(
    r"(?:https://(?:[^/@]+@)?|ssh://git@|git@)(github\.com|gitlab\.[\w.-]+)[/:](.+?)(?:\.git)?/?\Z"
)
_HEAD = "# Written by scripts/monitoring; do not edit.\n"


def files(
    outputs: Outputs,
    stack: str,
    runbooks: str | None = None,
    hold_factor: float = 1.0,
    ca_file: str | None = None,
    resolver: str = RESOLVER,
    blackbox: str = prometheus.BLACKBOX,
) -> dict[str, str]:
    """Path below the directory to its text. Raises ValueError when nothing is monitored."""
    if outputs.thresholds is None:
        raise ValueError(readable.not_watched(stack))
    rules = alerts.rules(alerts.alerts(outputs.thresholds), stack, runbooks, hold_factor)
    found = {
        "prometheus.yml": _yaml(prometheus.configuration(stack, blackbox)),
        "scrape.yml": _yaml(prometheus.scraping(stack, blackbox)),
        "rules.yml": _yaml(rules),
        "blackbox.yml": _yaml(prometheus.blackbox(outputs, stack, ca_file)),
        "alertmanager.yml": _yaml(prometheus.alertmanager()),
        "dashboard.json": _json(dashboard.dashboard(outputs.thresholds)),
    }
    for name, groups in prometheus.targets(outputs, stack, resolver).items():
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


def _to_stderr(message: str) -> None:
    print(message, file=sys.stderr)


def main(
    arguments: list[str] | None = None,
    printed: str | None = None,
    tell: Callable[[str], None] = _to_stderr,
) -> int:
    """Run the command line; exit 1 with one line for outputs or a directory of no use.

    printed: what `pulumi stack output --json` printed; stdin is read when it is not given.
    `tell` takes each message for a person.
    """
    parser = Parser(prog="scripts/monitoring")
    parser.add_argument("stack")
    parser.add_argument("directory", type=Path)
    parser.add_argument(
        "--runbooks", help="URL of docs/runbooks (that of `origin`, at GitHub or GitLab)"
    )
    parser.add_argument(
        "--blackbox", default=prometheus.BLACKBOX, help="the blackbox exporter (%(default)s)"
    )
    parser.add_argument(
        "--resolver", default=RESOLVER, help="that the DNS probes ask, by address (%(default)s)"
    )
    parser.add_argument("--ca-file", help="root of the MX hosts' certificates, on the server")
    parser.add_argument(
        "--hold-factor", type=float, default=1.0, help="shortens every alert's delay, for tests"
    )
    options = parser.parse_args(arguments)
    runbooks = options.runbooks or runbooks_of_the_forge()
    if runbooks is not None and not runbooks.startswith(("https://", "http://")):
        tell(f"monitoring: --runbooks {runbooks}: Alertmanager needs a complete URL, https://...")
        return 1
    printed = sys.stdin.read() if printed is None else printed
    try:
        found = files(
            readable.outputs(printed, options.stack),
            options.stack,
            runbooks,
            options.hold_factor,
            options.ca_file,
            options.resolver,
            options.blackbox,
        )
        changed = write(options.directory, found)
    except ValueError as error:
        tell(f"monitoring: {error}")
        return 1
    except OSError as error:
        tell(f"monitoring: {error.filename}: {error.strerror}")
        return 1
    if runbooks is None:
        tell(
            "monitoring: the alerts have no links to runbooks, since the remote `origin` of this "
            "clone is at neither GitHub nor GitLab; --runbooks URL gives the place of docs/runbooks"
        )
    for name in changed:
        print(f"written: {options.directory / name}")
    return 0


def runbooks_of_the_forge() -> str | None:
    """The address of docs/runbooks at the forge that this clone came from, or None.

    GitHub and GitLab show a file of the default branch at /blob/HEAD.
    """
    remote = subprocess.run(
        ["git", "remote", "get-url", "origin"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    found = _REMOTE.match(remote)
    return f"https://{found[1]}/{found[2]}/blob/HEAD/docs/runbooks" if found else None


class _Plain(yaml.SafeDumper):
    """Without anchors: a part that is used twice is written twice, as a person would."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _yaml(document: Any) -> str:
    return _HEAD + yaml.dump(document, Dumper=_Plain, sort_keys=False, width=100)


def _json(document: Any) -> str:
    return json.dumps(document, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
