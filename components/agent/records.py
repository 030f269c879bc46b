"""What was applied on this host: a record for each bundle, the originals of files, the lock."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from .files import Want, digest, gone, write_state
from .host import Host
from .process import Failure, Json, NotOurs
from .record import Record, read_state
from .words import explain

Before = Optional[list[int]]  # noqa: UP045 (runtime, 3.9)


def leaving_directories(
    old: Record, record: Record | None, others: dict[str, Record]
) -> tuple[list[tuple[str, Before]], dict[str, list[tuple[str, Before]]]]:
    """Return the directories to give up, deepest first, each with its attributes before.

    Attributes are mode, user and group; None when the agent made the directory. The second value
    names the bundles that still use some of them and inherit those.
    """
    kept = record.directories_used if record else set()
    entries: list[tuple[str, Before]] = [(path, None) for path in old.made_dirs]
    entries += [(path, was) for path, was in old.dir_originals.items()]
    leaving: list[tuple[str, Before]] = []
    heirs: dict[str, list[tuple[str, Before]]] = {}
    for path, before in sorted(entries, key=lambda entry: entry[0], reverse=True):
        if path in kept:
            continue
        heir = next((name for name in others if path in others[name].directories_used), None)
        if heir is None:
            leaving.append((path, before))
        else:
            heirs.setdefault(heir, []).append((path, before))
        if record:
            record.made_dirs = [made for made in record.made_dirs if made != path]
            record.dir_originals.pop(path, None)
    return leaving, heirs


class Records(Host):
    """What is recorded on the host."""

    def prepare_state(self) -> None:
        """Make the state directories."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.state.chmod(0o700)
        for name in ("bundles", "originals"):
            (self.state / name).mkdir(mode=0o700, exist_ok=True)

    @contextlib.contextmanager
    def lock(self, first: bool = False) -> Iterator[None]:
        """Hold the host's lock; wait for it, but not for ever.

        `first`: go before all calls that wait without it. A call that then waits for somebody else
        does so beside them.
        """
        self.prepare_state()
        deadline = time.monotonic() + self.lock_wait
        with _opened(self.state / "lock") as fd, _opened(self.state / "lock.first") as queue:
            if first and _locked(queue, deadline, fcntl.LOCK_SH):
                _sign(queue)
            had = _free(fd)
            if not (had and (first or _free(queue))):
                self.step("lock", f"waiting for process {_holder(queue if had else fd)}")
                # Who goes first has the queue until the lock is his.
                while not (_locked(fd, deadline) and (first or _free(queue))):
                    fcntl.flock(fd, fcntl.LOCK_UN)
                    if time.monotonic() >= deadline or not _locked(queue, deadline):
                        raise Failure(
                            f"another call of the agent (process {_holder(fd)}) still works after "
                            f"{self.lock_wait:.0f} s; nothing has been changed"
                        )
                    fcntl.flock(queue, fcntl.LOCK_UN)
            fcntl.flock(queue, fcntl.LOCK_UN)
            _sign(fd)
            yield

    def at_work(self) -> bool:
        """Tell whether another call of the agent changes the host, or runs a bundle's commands."""
        marks = (self.state / "bundles").glob("*.unfinished")
        return any(map(held, (self.state / "lock", *marks)))

    def records(self) -> dict[str, Record]:
        """Return the records of all applied bundles.

        Raises Failure when a newer agent wrote one of them.
        """
        stores = sorted((self.state / "bundles").glob("*.json"))
        return {store.stem: Record.of(read_state(store)) for store in stores}

    def keep(self, record: Record) -> None:
        """Write the record of a bundle, durably."""
        write_state(self.record_path(record.bundle), record.text_of_file())

    def record_path(self, bundle: str) -> Path:
        """Return where the record of a bundle is."""
        return self.state / "bundles" / (bundle + ".json")

    def _original(self, path: str) -> Path:
        return self.state / "originals" / (digest(path.encode())[:40] + ".json")

    def _unit_original(self, unit: str) -> Path:
        return self.state / "originals" / ("unit-" + digest(unit.encode())[:40] + ".json")

    def original(self, path: str) -> Want:
        """Return what was at a path before any bundle took it over."""
        store = self._original(path)
        if not store.exists():
            return Want()
        return Want.from_json(json.loads(store.read_text()))

    def _has_secret(self, manifest: Json) -> bool:
        """Tell whether a manifest must not be kept."""
        parts = [*manifest["files"].values(), *manifest["run"]]
        return any(part["secret"] for part in parts)

    @contextlib.contextmanager
    def noted(self, name: str) -> Iterator[None]:
        """Keep in mind that the last change of a bundle failed, until one succeeds."""
        mark = self.state / "bundles" / (name + ".failed")
        try:
            yield
        except NotOurs:
            raise
        except BaseException:
            try:
                write_state(mark, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
            except OSError as error:  # the words of the failure itself matter more
                self.warn(explain(error, "the mark of this failure was not written"))
            raise
        gone(mark)

    def forget_failures(self) -> None:
        """Drop the marks of failed changes whose bundles never were applied here.

        Nothing of them is left, and the bundle may have left the settings: no call would come.
        """
        for mark in (self.state / "bundles").glob("*.failed"):
            if not mark.with_suffix(".json").exists():
                gone(mark)


@contextlib.contextmanager
def holding(path: Path) -> Iterator[None]:
    """Hold a lock on a file that is there."""
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def held(path: Path) -> bool:
    """Tell whether a process holds a lock on a file; no when the file is not there."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def _holder(fd: int) -> str:
    return os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A file for a lock; closing it gives the lock away."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


def _sign(fd: int) -> None:
    """Write who has a lock, for those who wait."""
    os.ftruncate(fd, 0)
    os.pwrite(fd, str(os.getpid()).encode(), 0)


def _free(fd: int) -> bool:
    """Take a lock that nobody has; tell whether it was had."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _locked(fd: int, deadline: float, how: int = fcntl.LOCK_EX) -> bool:
    """Wait for a lock until then (time.monotonic); tell whether it was had.

    flock(2) serves those who wait in their order and at once, which a repeated try does not.
    """

    def over(number: int, frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, over)
    try:
        signal.setitimer(signal.ITIMER_REAL, max(deadline - time.monotonic(), 0.001))
        fcntl.flock(fd, how)
    except TimeoutError:
        return False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return True
