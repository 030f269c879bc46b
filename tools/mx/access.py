"""Where the state of a stack is and which passphrase opens it, kept for one user's `mx`.

The file ~/.config/mx/STACK.env has lines `NAME=VALUE`. It names files and addresses; secrets stand
in files of their own. A variable that is set in the environment wins.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

KNOWN = ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE")


def folder() -> Path:
    """The folder of the user's settings (XDG Base Directory Specification)."""
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "mx"


def local_backend() -> str:
    """The URL of the default: a folder of this machine (XDG Base Directory Specification)."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return f"file://{state}/mx/state?metadata=skip"


def read(stack: str) -> dict[str, str]:
    """The known variables in the stack's file; empty when there is no file."""
    try:
        text = (folder() / f"{stack}.env").read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    pairs = (line.split("=", 1) for line in text.split("\n") if "=" in line)
    return {name: value for name, value in pairs if name in KNOWN}


def write(stack: str, backend: str, passphrase_file: Path) -> Path:
    """Write the stack's file and return its path."""
    path = folder() / f"{stack}.env"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    values = dict(zip(KNOWN, (backend, str(passphrase_file)), strict=True))
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return path


def new_passphrase(stack: str) -> Path:
    """The file of the stack's passphrase, made with 256 random bits when there is none yet."""
    path = folder() / f"{stack}.passphrase"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path
    with os.fdopen(descriptor, "w") as stream:
        stream.write(secrets.token_urlsafe(32) + "\n")
    return path
