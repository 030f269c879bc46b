"""The place of the engine's state, as `mx init` chooses and makes it."""

from __future__ import annotations

import os
from pathlib import Path

from . import access, engine
from .app import Failure
from .codes import USAGE
from .console import say
from .explain import explain
from .log import without_password


def local() -> str:
    """The URL of a folder of this machine (XDG Base Directory Specification, XDG_STATE_HOME)."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return f"file://{state}/mx/state?metadata=skip"


def check(url: str) -> None:
    """Raise Failure for a URL with a password in it."""
    if without_password(url) != url:
        raise Failure(
            "--backend has a password, which every error of the engine would show: leave the "
            "password out, and give it in ~/.pgpass or PGPASSWORD (docs/backends.md)",
            USAGE,
        )


def make(name: str, url: str) -> None:
    """Make the state of the stack; the engine puts the salt of the secrets into the stack file.

    Raises Failure.
    """
    if url.startswith("file://"):
        Path(url.removeprefix("file://").partition("?")[0]).mkdir(
            parents=True, exist_ok=True, mode=0o700
        )
    secret = access.new_passphrase(name)
    where = access.write(name, url, secret)
    done = engine.call(name, ["stack", "init"])
    if done.returncode != 0 and "already exists" not in done.stderr:
        raise Failure(explain(done.stderr, name))
    say(f"state:      {url}")
    say(f"passphrase: {secret}\n  Keep a copy. Without it no secret of the stack can be read.")
    say(f"both are named in {where}, which mx reads")
