"""The staged state: the new files beside the old ones, in a mount namespace of their own."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from .files import Want, concatenate, gid_of, gone, look, own_directory, pieces, place, uid_of
from .paths import COMMAND_TIMEOUT
from .plan import Plan, Staged
from .process import Failure, Json, Run, run_command
from .words import explain


def stage_files(root: Path, plan: Plan, run: Run) -> Staged:
    """Write the staged files below root, assemble, build and check; return what came of it.

    Root is a view in which writing is free: an overlay in a namespace of its own, or in the unit
    tests a copy. Failures are Failure with the words of the check.
    """
    for path, attributes in plan.directories.items():
        real = root / path.lstrip("/")
        real.mkdir(parents=True, exist_ok=True)
        set_attributes(real, attributes)
    for path, want in plan.writes.items():
        real = root / path.lstrip("/")
        gone(real)
        if not want.absent:
            real.parent.mkdir(parents=True, exist_ok=True)
            place(real, want)
    result = Staged()
    for path, entry in plan.assemble.items():
        real = root / path.lstrip("/")
        found = pieces(root, entry["directory"])
        if not found:
            raise Failure(f"{path}: there are no *.cf in {entry['directory']} to assemble it from")
        uid, gid = uid_of(entry["owner"]), gid_of(entry["group"])
        want = Want(data=concatenate(found), mode=int(entry["mode"], 8), uid=uid, gid=gid)
        gone(real)
        real.parent.mkdir(parents=True, exist_ok=True)
        place(real, want)
        result.assembled[path] = want
    for step in plan.build:
        done = run(step["run"], None, COMMAND_TIMEOUT)
        if done.code != 0:
            raise Failure(f"build {' '.join(step['run'])}: {done.words()}")
        for path in step["makes"]:
            want = look(root / path.lstrip("/"))
            if want.absent:
                raise Failure(f"build {' '.join(step['run'])}: did not make {path}")
            result.made[path] = want
    for check in plan.check:
        done = run(check["run"], None, COMMAND_TIMEOUT)
        pattern = check["fail_on_output"]
        words = ""
        if done.code != 0:
            words = done.words()
        elif check["fail_on_stderr"] and done.err.strip():
            words = done.err.strip()
        elif pattern and re.search(pattern, done.out + "\n" + done.err, re.MULTILINE):
            words = done.words()
        if words:
            raise Failure(f"check {' '.join(check['run'])}: {words}")
    return result


def set_attributes(real: Path, attributes: Json) -> None:
    """Give a staged path its mode, owner and group."""
    ids = uid_of(attributes["owner"]), gid_of(attributes["group"])
    own_directory(real, int(attributes["mode"], 8), *ids)


def overlay_tops(paths: Iterable[str]) -> list[str]:
    """Return the directories that the staged view overlays for these paths."""
    tops = set()
    for path in paths:
        for top in ("/etc", "/usr/local"):
            if path.startswith(top + "/"):
                tops.add(top)
                break
        else:
            parent = Path(path).parent
            while not parent.is_dir():
                parent = parent.parent
            if str(parent) in ("/", "/run", "/proc", "/sys", "/dev", "/tmp", "/usr"):  # noqa: S108
                raise Failure(f"{path}: cannot be staged, {parent} is no place for managed files")
            tops.add(str(parent))
    return sorted(
        top for top in tops if not any(top.startswith(other + "/") for other in tops - {top})
    )


def stage_in_namespace(plan: Plan, run: Run) -> Staged:
    """Mount the overlays (in the namespace that unshare made for this process) and stage."""
    base = Path("/run/mx-agent")
    base.mkdir(mode=0o700, exist_ok=True)
    mounts = [["mount", "-t", "tmpfs", "-o", "mode=0700", "mx-agent", str(base)]]
    places = [*plan.writes, *plan.assemble, *plan.directories]
    places += [path for step in plan.build for path in step["makes"]]
    for number, top in enumerate(overlay_tops(places)):
        options = f"lowerdir={top},upperdir={base}/{number}/upper,workdir={base}/{number}/work"
        mounts.append(["mount", "-t", "overlay", "-o", options, "overlay", top])
    for number, argv in enumerate(mounts):
        if number:
            upper = base / str(number - 1) / "upper"
            upper.mkdir(parents=True)
            (upper.parent / "work").mkdir()
            info = Path(argv[-1]).stat()
            os.chown(upper, info.st_uid, info.st_gid)
            upper.chmod(stat.S_IMODE(info.st_mode))
        done = run(argv, None, COMMAND_TIMEOUT)
        if done.code != 0:
            raise Failure(f"staging: {' '.join(argv)}: {done.words()}")
    os.chdir("/")
    return stage_files(Path("/"), plan, run)


def stage_main() -> int:
    """Run as the hidden verb _stage: plan on stdin, result or failure as JSON on stdout."""
    try:
        answer = stage_in_namespace(Plan.read(sys.stdin.read()), run_command)
    except Failure as error:
        answer = Staged(failure=str(error))
    except OSError as error:
        answer = Staged(failure=explain(error, "staging"))
    sys.stdout.write(answer.text())
    return 0
