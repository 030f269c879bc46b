"""Files by descriptor: what is at a path now, and how another state is put there in one step."""

from __future__ import annotations

import base64
import contextlib
import grp
import hashlib
import os
import pwd
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from .process import Failure, Json


@dataclass(frozen=True)
class Want:
    """What a path is or shall be: a file, a symbolic link, or absent (no data, no link)."""

    data: bytes | None = None
    link: str | None = None
    mode: int = 0
    uid: int = 0
    gid: int = 0

    @property
    def absent(self) -> bool:
        """Tell whether there is nothing at the path."""
        return self.data is None and self.link is None

    def to_json(self) -> Json:
        """Return the value as JSON, for the staging process and the store of originals."""
        data = None if self.data is None else base64.b64encode(self.data).decode("ascii")
        return {"data": data, "link": self.link, "mode": self.mode, "ids": [self.uid, self.gid]}

    @staticmethod
    def from_json(value: Json) -> Want:
        """Read what to_json wrote."""
        data = None if value["data"] is None else base64.b64decode(value["data"])
        return Want(data, value["link"], value["mode"], value["ids"][0], value["ids"][1])


def look(real: Path) -> Want:
    """Return what is at a path now.

    The path is opened once, without following a link, and everything else is asked of that
    descriptor: whoever may write in the directory cannot put another file there in between.
    """
    try:
        seen = os.open(real, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return Want()
    try:
        info = os.fstat(seen)
        if stat.S_ISLNK(info.st_mode):
            return Want(link=os.readlink("", dir_fd=seen), uid=info.st_uid, gid=info.st_gid)
        if not stat.S_ISREG(info.st_mode):
            raise Failure(f"{real}: is neither a file nor a symbolic link, not touched")
        # The link in /proc leads to the very file that was opened (proc_pid_fd(5)).
        with open(f"/proc/self/fd/{seen}", "rb") as stream:
            data = stream.read()
        mode = stat.S_IMODE(info.st_mode)
        return Want(data=data, mode=mode, uid=info.st_uid, gid=info.st_gid)
    finally:
        os.close(seen)


def own_directory(real: Path, mode: int, uid: int, gid: int) -> None:
    """Give a directory its owner and mode, by a descriptor."""
    fd = os.open(real, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        info = os.fstat(fd)
        if (info.st_uid, info.st_gid) != (uid, gid):
            os.fchown(fd, uid, gid)
        if stat.S_IMODE(info.st_mode) != mode:
            os.fchmod(fd, mode)
    finally:
        os.close(fd)


def sync_directory(real: Path) -> None:
    """Make renames in a directory durable."""
    fd = os.open(real, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def place(real: Path, want: Want) -> None:
    """Make a file or link at a path where nothing is, durable and with its owner and mode."""
    if want.link is not None:
        os.symlink(want.link, real)
        if os.lstat(real).st_uid != want.uid or os.lstat(real).st_gid != want.gid:
            os.lchown(real, want.uid, want.gid)
        return
    fd = os.open(real, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "wb") as stream:
        stream.write(want.data or b"")
        stream.flush()
        # Every program of Postfix waits, as it starts, until main.cf is older than a second.
        os.utime(fd, (time.time() - 2,) * 2)
        info = os.fstat(fd)
        if (info.st_uid, info.st_gid) != (want.uid, want.gid):
            os.fchown(fd, want.uid, want.gid)
        os.fchmod(fd, want.mode)
        os.fsync(fd)


def write_state(real: Path, text: str) -> None:
    """Write a file of the agent's own state: 0600, atomic, durable."""
    fresh = real.with_name(real.name + ".new")
    gone(fresh)
    try:
        place(fresh, Want(data=text.encode(), mode=0o600, uid=os.geteuid(), gid=os.getegid()))
        fresh.rename(real)
    except OSError:
        gone(fresh)
        raise
    sync_directory(real.parent)


def gone(real: Path) -> None:
    """Remove a file if it is there."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        real.unlink()


def uid_of(name: str) -> int:
    """Return the number of a user."""
    try:
        return int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid
    except KeyError:
        raise Failure(f"there is no user {name!r} on this host") from None


def gid_of(name: str) -> int:
    """Return the number of a group."""
    try:
        return int(name) if name.isdigit() else grp.getgrnam(name).gr_gid
    except KeyError:
        raise Failure(f"there is no group {name!r} on this host") from None


def pieces(root: Path, directory: str) -> list[Path]:
    """Return the pieces of an assembled file in their order."""
    real = root / directory.lstrip("/")
    if not real.is_dir():
        return []
    return [
        piece
        for piece in sorted(real.iterdir(), key=lambda item: item.name)
        if piece.name.endswith(".cf") and not piece.name.startswith(".") and piece.is_file()
    ]


def concatenate(found: list[Path]) -> bytes:
    """Concatenate pieces; a piece without a newline at its end gets one."""
    parts = [piece.read_bytes() for piece in found]
    return b"".join(part if part.endswith(b"\n") or not part else part + b"\n" for part in parts)


def digest(data: bytes | None) -> str:
    """Return the SHA-256 of some bytes in hex."""
    return hashlib.sha256(data or b"").hexdigest()
