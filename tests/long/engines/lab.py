"""`python -m tests.long.engines.lab`: the applied lab with the pinned engine and with the newest.

Both plan the same: as the lab is, and for a message size that changes Postfix on both hosts. The
newest applies that change, the pinned one finds nothing left, and puts the former size back.
Exit status 1 when a plan differs. MX_NEWEST_ENGINE names the folder of the newest engine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from components.settings import stack_file
from lab.environment import engine_folder, environment
from tests.long.engines.test_same_previews import ordered

_ROOT = Path(__file__).resolve().parents[3]
_STACK = ("--stack", "lab", "--non-interactive")
_UP = ("up", *_STACK, "--yes", "--skip-preview", "--refresh=false")
_CHANGED_BYTES = 31457280


def _run(engine: Path, *arguments: str) -> str:
    environ = dict(os.environ) | environment()
    path = [part for part in environ["PATH"].split(":") if Path(part) != engine_folder()]
    environ["PATH"] = ":".join([str(engine), *path])
    begin = time.monotonic()
    done = subprocess.run(
        ["pulumi", *arguments], cwd=_ROOT, env=environ, capture_output=True, text=True
    )
    print(f"{engine.name}: {arguments[0]}: {time.monotonic() - begin:.1f} s", flush=True)
    if done.returncode:
        said = f"{done.stdout[-3000:]}{done.stderr[-3000:]}"
        raise RuntimeError(f"pulumi {' '.join(arguments)}: {said}")
    return done.stdout


def _plan(engine: Path, *more: str) -> dict[str, Any]:
    shown = json.loads(_run(engine, "preview", *_STACK, "--json", *more))
    return {step["urn"]: ordered(step) for step in shown["steps"]}


def _compared(what: str, pinned: Path, newest: Path, more: tuple[str, ...]) -> int:
    one, other = (_plan(engine, *more) for engine in (pinned, newest))
    different = sorted(urn for urn in {**one, **other} if one.get(urn) != other.get(urn))
    print(f"{what}: {len(one)} steps, {len(different)} planned differently", *different, sep="\n  ")
    return len(different)


def main() -> int:
    """Compare, apply, and compare again."""
    pinned, newest = engine_folder(), Path(os.environ["MX_NEWEST_ENGINE"])
    document = stack_file.document("lab")
    mail = document["config"]["mx:mail"]
    mail["postfix"] = {**mail.get("postfix", {}), "messageSizeLimitBytes": _CHANGED_BYTES}
    with tempfile.TemporaryDirectory(prefix="mx-engines-") as name:
        changed = Path(name) / "changed.yaml"
        changed.write_text(json.dumps(document))
        more = ("--config-file", str(changed))
        different = _compared("as it is", pinned, newest, ())
        different += _compared("refreshed", pinned, newest, ("--refresh",))
        different += _compared("another message size", pinned, newest, more)
        _run(newest, *_UP, *more)
        _run(pinned, "preview", *_STACK, *more, "--expect-no-changes")
    _run(pinned, *_UP)
    _run(newest, "preview", *_STACK, "--expect-no-changes")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
