"""The place of the engine's state, as `mx init` chooses and makes it."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from . import access, engine
from .app import Failure
from .codes import USAGE
from .console import say
from .explain import explain
from .log import without_password

_ENDED = " ended"


def folder(url: str) -> Path | None:
    """The folder of a URL that begins with file://; None for every other URL."""
    if not url.startswith("file://"):
        return None
    return Path(url.removeprefix("file://").partition("?")[0]).expanduser()


def asked(url: str) -> str:
    """The URL, as an answer to a question. Raises ValueError with what is wrong."""
    try:
        check(url)
    except Failure as error:
        raise ValueError(str(error).removeprefix("--backend ")) from None
    return url


def check(url: str) -> None:
    """Raise Failure for a URL with a password in it, and for a folder in a folder that is not."""
    if url and "://" not in url:
        example = url if url.startswith("/") else "/FOLDER"
        raise Failure(f"--backend {url}: this is no URL; a folder is file://{example}", USAGE)
    place = folder(url)
    if place is not None and url != access.local_backend() and not place.parent.is_dir():
        raise Failure(
            f"--backend {url}: there is no folder {place.parent}. Make it, or mount what should be "
            "there",
            USAGE,
        )
    if without_password(url) != url:
        raise Failure(
            "--backend has a password, which every error of the engine would show: leave the "
            "password out, and give it in ~/.pgpass or PGPASSWORD (docs/backends.md)",
            USAGE,
        )


def deployment(stack: str) -> dict[str, Any]:
    """What the engine's state has of the stack. Raises Failure when it cannot be read."""
    done = engine.call(stack, ["stack", "export"])
    if done.returncode:
        raise Failure(explain(done.stderr, stack))
    found: dict[str, Any] = json.loads(done.stdout)["deployment"]
    return found


def forget(stack: str, urns: Collection[str], failed: str) -> None:
    """Have the engine forget resources, which stay as they are.

    Raises Failure, whose text begins with `failed`.

    `pulumi state delete` would refuse: other resources depend on these, and go later.
    """
    done = engine.call(stack, ["stack", "export"])
    if done.returncode:
        raise Failure(f"{failed}: {explain(done.stderr, stack)}")
    exported: dict[str, Any] = json.loads(done.stdout)
    left = [each for each in exported["deployment"]["resources"] if each["urn"] not in urns]
    exported["deployment"]["resources"] = left
    for each in left:
        _forget_in(each.get("dependencies"), urns)
        for found in (each.get("propertyDependencies") or {}).values():
            _forget_in(found, urns)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:  # mode 0600
        json.dump(exported, file)
        file.flush()
        done = engine.call(stack, ["stack", "import", "--file", file.name])
    if done.returncode:
        raise Failure(f"{failed}: {explain(done.stderr, stack)}")


def _forget_in(dependencies: list[str] | None, urns: Collection[str]) -> None:
    if dependencies:
        dependencies[:] = [each for each in dependencies if each not in urns]


def locked(stack: str, left: bool = True) -> None:
    """Raise Failure when `holder` names another run. `left`: also for a run that was killed."""
    by = holder(stack)
    if by and (left or not by.endswith(_ENDED)):
        raise Failure(explain(f"the stack is currently locked: created by {by}", stack))


def holder(stack: str) -> str:
    """Who holds the lock of the stack, if its state is in a folder; empty when nobody does.

    Of other places only the engine can tell (pkg/backend/diy/lock.go). A run of this machine that
    was killed is told as ended.
    """
    place = folder(engine.environment(stack).get("PULUMI_BACKEND_URL", ""))
    project = engine.project()
    found = []
    for lock in place.glob(f".pulumi/locks/*/{project}/{stack}/*.json") if place else ():
        try:
            held = json.loads(lock.read_text(encoding="utf-8"))
            by = f"{held['username']}@{held['hostname']} (pid {held['pid']}) at {held['timestamp']}"
            ended = held["hostname"] == socket.gethostname() and not _runs(int(held["pid"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # gone meanwhile, or of another form: the engine will say it
        found.append(f"{by}{_ENDED if ended else ''}")
    return min(found, key=lambda by: by.endswith(_ENDED), default="")


def _runs(process: int) -> bool:
    """Whether a process of this machine is there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def make(name: str, url: str) -> None:
    """Make the state of the stack; the engine puts the salt of the secrets into the stack file.

    Raises Failure.
    """
    if (place := folder(url)) is not None:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret = access.new_passphrase(name)
    where = access.write(name, url, secret)
    done = engine.call(name, ["stack", "init"])
    if done.returncode != 0 and "already exists" not in done.stderr:
        raise Failure(explain(done.stderr, name))
    say(f"state:      {url}")
    say(f"passphrase: {secret}\n  Keep a copy. Without it no secret of the stack can be read.")
    say(f"both are named in {where}, which mx reads")
