"""`python -m tests.long.backends.lab`: the applied lab, its state on servers beside the folder.

Prints how long a preview and an `up` without a change take, medians of rounds in which all places
take turns; then a PostgreSQL is killed in the middle of an `up` that changes Postfix on both hosts,
and the next `up` has to find what was done.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from components.settings import stack_file
from lab.environment import environment
from tests.long.backends.servers import KINDS, server
from tests.support.backends import Server

_ROOT = Path(__file__).resolve().parents[3]
_STACK = ("--stack", "lab", "--non-interactive")
_UP = ("up", *_STACK, "--yes", "--skip-preview", "--refresh=false")
_ROUNDS = 3
_CHANGED_BYTES = 31457280


def pulumi(environ: dict[str, str], *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    """Exit code, output and errors of the engine."""
    done = subprocess.run(
        ["pulumi", *arguments], cwd=_ROOT, env=environ, input=stdin, capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


def good(environ: dict[str, str], *arguments: str, stdin: str = "") -> str:
    """The output of a call that has to succeed. Raises RuntimeError."""
    code, out, err = pulumi(environ, *arguments, stdin=stdin)
    if code:
        raise RuntimeError(f"pulumi {' '.join(arguments)}: {out[-2000:]}{err[-2000:]}")
    return out


def side_by_side(places: dict[str, dict[str, str]]) -> None:
    """Print medians of a preview and of an `up` without a change, by place."""
    ways = {"preview": ("preview", *_STACK), "up": (*_UP, "--expect-no-changes")}
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(_ROUNDS):
        for way, arguments in ways.items():
            for place, environ in places.items():
                begin = time.monotonic()
                good(environ, *arguments)
                found.setdefault((place, way), []).append(time.monotonic() - begin)
    for way in ways:
        beside = statistics.median(found["folder", way])
        for place in places:
            seconds = statistics.median(found[place, way])
            print(f"{way}: {place}: {seconds:.1f} s, {seconds / beside:.2f} of the folder's")


def lost(environ: dict[str, str], killed: Server, folder: Path) -> None:
    """Kill the server while Postfix is changed, and go on when it is back."""
    document = stack_file.document("lab")
    mail = document["config"]["mx:mail"]
    mail["postfix"] = {**mail.get("postfix", {}), "messageSizeLimitBytes": _CHANGED_BYTES}
    changed = folder / "changed.yaml"
    changed.write_text(json.dumps(document))
    up = (*_UP, "--config-file", str(changed), "--continue-on-error")
    run = subprocess.Popen(
        ["pulumi", *up], cwd=_ROOT, env=environ, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    for line in run.stdout:
        if "-postfix updating" in line:
            killed.kill()
            break
    begin = time.monotonic()
    rest = run.communicate()[0]
    print(f"lost: exit code {run.returncode} after {time.monotonic() - begin:.0f} s")
    print("\n".join(line for line in rest.splitlines() if "error:" in line))
    killed.start()
    good(environ, "cancel", "--stack", "lab", "--yes")
    again = good(environ, *up)
    print(
        "again:", *(line for line in again.splitlines() if line.strip() and "warning" not in line)
    )
    good(environ, "preview", *_STACK, "--config-file", str(changed), "--expect-no-changes")
    for host in ("mx1", "mx2"):
        size = ["scripts/lab", "ssh", host, "postconf -h message_size_limit"]
        shown = subprocess.run(size, cwd=_ROOT, capture_output=True, text=True, check=True).stdout
        status = ["scripts/lab", "ssh", host, "mx-agent status"]
        drift = subprocess.run(status, cwd=_ROOT, capture_output=True, text=True, check=True).stdout
        bundles = json.loads(drift)
        print(f"{host}: message_size_limit {shown.strip()}, status {json.dumps(bundles)[:300]}")
    good(environ, *_UP)


def main() -> None:
    """Measure, then lose a server."""
    here = dict(os.environ) | environment()
    state = good(here, "stack", "export", "--stack", "lab")
    with tempfile.TemporaryDirectory(prefix="mx-state-") as name:
        folder = Path(name)
        with server("postgres", folder) as first, server("s3", folder) as second:
            places = {"folder": here}
            for kind, found in (("postgres", first), ("s3", second)):
                environ = places[kind] = {**here, **KINDS[kind], "PULUMI_BACKEND_URL": found.url}
                good(environ, "stack", "init", "lab", "--non-interactive")
                good(environ, "stack", "import", "--stack", "lab", stdin=state)
            side_by_side(places)
            lost(places["postgres"], first, folder)
    good(here, *_UP)


if __name__ == "__main__":
    main()
