"""What an `up` does at this moment: one line a host on a terminal.

Elsewhere, as in the log of a runner: one line twice a minute, and one at the end of each host.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from rich.live import Live
from rich.table import Table
from rich.text import Text

from components.protocol.calls import QUEUES

from .console import console, safe

DNS = "DNS"
OTHER = "other"
_QUIET = {"same", "read", "refresh"}
_RECORD = "cloudflare:"
_COMPONENT = "mx:"
_SECONDS_BETWEEN_LINES = 30.0


@dataclass
class Row:
    """One host, or all DNS records."""

    total: int = 0
    done: int = 0
    now: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0


def _kind(urn: str) -> str:
    """The type of a resource, without those of the components that hold it."""
    parts = urn.split("::")
    return parts[2].rpartition("$")[2] if len(parts) > 3 else ""


def place(urn: str, hosts: Iterable[str]) -> tuple[str, str]:
    """The row and the component of a resource, from its name `HOST-COMPONENT`."""
    name = urn.split("::")[-1]
    if _kind(urn).startswith(_RECORD):
        return DNS, name.removeprefix("dns-")
    # One host may be called mx, and another one mx-2.
    for host in sorted(hosts, key=len, reverse=True):
        if name.startswith(f"{host}-"):
            return host, name.removeprefix(f"{host}-")
    return OTHER, name


def is_component(urn: str) -> bool:
    """Whether a resource only holds others; the report of a preview does not count it."""
    return _kind(urn).startswith(_COMPONENT)


class Progress:
    """Follows the engine's events. `expected` is the number of changes of each host, if known.

    `pause` is the time in seconds between two lines where there is no terminal. `canary` is the
    host that the others wait for.
    """

    def __init__(
        self,
        hosts: Iterable[str],
        expected: Mapping[str, int],
        pause: float = _SECONDS_BETWEEN_LINES,
        canary: str | None = None,
    ) -> None:
        self.hosts = list(hosts)
        self.rows = {name: Row(total) for name, total in expected.items() if total}
        self._canary = canary
        self.counts: Counter[str] = Counter()
        self._console = console(stderr=True)
        self._live: Live | None = None
        self._whole = False
        self._over = threading.Event()
        self._lines = threading.Thread(target=self._say_all, args=(pause,), daemon=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(
                console=self._console, get_renderable=self._table, refresh_per_second=4
            )
            self._live.start()
        else:
            self._lines.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._live is not None:
            self._live.stop()
        else:
            self._lines.join()

    def ended_well(self) -> None:
        """The engine did all that was to do: what it planned and found unchanged is not missing."""
        self._whole = True
        for name, row in self.rows.items():
            if 0 < row.done < row.total:
                self._say(name, row)
            row.total = row.done

    def event(self, event: Mapping[str, Any]) -> None:
        """Take one event of the engine (sdk/go/common/apitype/events.go)."""
        for key, method in (
            ("resourcePreEvent", self._begins),
            ("resOutputsEvent", self._ends),
            ("resOpFailedEvent", self._fails),
        ):
            data = event.get(key)
            metadata = data.get("metadata") if isinstance(data, dict) else None
            if isinstance(metadata, dict) and metadata.get("op") not in _QUIET:
                urn = str(metadata.get("urn", ""))
                if not is_component(urn):
                    method(str(metadata.get("op", "")), urn)

    def _begins(self, op: str, urn: str) -> None:
        where, what = place(urn, self.hosts)
        if where == OTHER:
            return
        row = self.rows.setdefault(where, Row())
        row.began = row.began or time.monotonic()
        row.now.append(what)

    def _ends(self, op: str, urn: str) -> None:
        where, what = place(urn, self.hosts)
        if where != OTHER or what == QUEUES:  # the report of a preview counts these
            self.counts[op] += 1
        if where == OTHER:
            return
        row = self._left(where, what)
        row.done += 1
        if row.done == row.total:
            self._say(where, row)

    def _fails(self, op: str, urn: str) -> None:
        where, what = place(urn, self.hosts)
        self.counts["failed"] += 1
        row = self._left(where, what)
        row.failed.append(what)
        if not self._live:
            self._console.print(Text(safe(f"{where}: {what} failed"), "red"))

    def _left(self, where: str, what: str) -> Row:
        row = self.rows.setdefault(where, Row())
        if what in row.now:
            row.now.remove(what)
        row.ended = time.monotonic()
        return row

    def _say(self, where: str, row: Row) -> None:
        if not self._live:
            seconds = row.ended - row.began
            changes = f"{row.done} change{'s' * (row.done != 1)}"
            self._console.print(f"{safe(where)}: {changes} done in {seconds:.0f} s")

    def _say_all(self, pause: float) -> None:
        while not self._over.wait(pause):
            busy = [
                f"{name}: {self._of(row)} done, now {', '.join(row.now)}"
                for name, row in list(self.rows.items())
                if row.now
            ]
            if busy:
                self._console.print(safe("; ".join(busy)), soft_wrap=True)

    def _waits(self, name: str, row: Row) -> str:
        """What a row waits for, as far as it is known: records for hosts, hosts for the canary."""
        if self._whole:
            return "no change"
        if self._over.is_set():
            return "not finished" if row.began else "not begun"
        if name == DNS and any(
            each != DNS and one.done < one.total for each, one in self.rows.items()
        ):
            return "waits for the hosts"
        begun = row.began or name not in self.hosts
        if self._canary not in self.rows or self._canary == name or begun:
            return "waits"
        return f"waits for {safe(str(self._canary))}, the canary"

    @staticmethod
    def _of(row: Row) -> str:
        return f"{row.done}/{row.total}" if row.total else str(row.done)

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)  # what is left of the width
        for name, row in self.rows.items():
            state = Text(safe(", ".join(row.now)))
            if row.failed:
                state.append(f"  failed: {safe(', '.join(row.failed))}", "red")
            elif not row.now:
                enough = row.done >= row.total if row.total else self._over.is_set()
                whole = row.done > 0 and enough
                state.append(*(("done", "green") if whole else (self._waits(name, row), "dim")))
            seconds = (row.ended if not row.now else time.monotonic()) - row.began
            clock = f"{seconds:.0f} s" if row.began else ""
            table.add_row(Text(safe(name), "bold"), self._of(row), clock, state)
        return table
