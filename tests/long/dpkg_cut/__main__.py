"""After each moment and in each state: the next `up` converges, or says why not."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from lab.environment import environment
from lab.system import LabError
from lab.topology import CHECKOUT, MX1

from .cut import MOMENTS, cut, left
from .siblings import SIBLINGS, trial


def pulumi(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Call pulumi on the lab's stack."""
    return subprocess.run(
        ["pulumi", *arguments, "--stack", "lab", "--non-interactive"],
        cwd=CHECKOUT,
        env=os.environ | environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def up() -> subprocess.CompletedProcess[str]:
    """`up` without a question."""
    return pulumi("up", "--yes", "--skip-preview")


def main() -> int:
    """Exit 0 when each next `up` converged, 1 when one did not."""
    bad = 0

    def told(what: str, found: list[str], begun: float) -> None:
        nonlocal bad
        bad += bool(found)
        print(f"{'NOT' if found else 'yes'}  {what} ({time.monotonic() - begun:.0f} s)", flush=True)
        for words in found:
            print(f"     {words}", flush=True)

    chosen = sys.argv[1:] or ["moments", "siblings"]
    for moment in MOMENTS if "moments" in chosen else ():
        begun, unfinished = time.monotonic(), ""
        try:
            unfinished = cut(MX1, moment)
            done = up()
            found = [] if done.returncode == 0 else [f"up: {done.stdout[-1500:]}{done.stderr}"]
            found += left(MX1)
        except LabError as error:
            found = [str(error)]
        how = "power cut" if moment.power else "SIGKILL"
        told(f"{how} at {moment.line!r}; left: {unfinished or 'nothing'}", found, begun)
    for name, sibling in SIBLINGS.items() if "siblings" in chosen else ():
        begun = time.monotonic()
        told(f"package {name}", [*trial(MX1, sibling, up), *left(MX1)], begun)
    empty = pulumi("preview", "--expect-no-changes")
    told(
        "preview afterwards is empty", [empty.stdout] if empty.returncode else [], time.monotonic()
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
