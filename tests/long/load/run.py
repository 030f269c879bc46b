"""The three parts: the limit by size, more than the limit, and how soon all is normal again."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab import process
from lab.system import LabError, wait_for
from lab.topology import MX1

from .client import Attempt, Order
from .hosts import TARGETS, WANTED, Load, Mailbox, plain_postfix, queued
from .processor import Use, Watch
from .verdict import Verdict, complete, judge

SESSIONS = (5, 20, 50)
SIZES = (2_000, 10_000, 100_000)
MOSTLY = 10_000
"""The size of the overload, in octets."""
BEYOND = 1.5
STORED_SECONDS = 300.0
"""How long the last accepted message may take to the mailbox double before it counts as lost."""
NORMAL_SECONDS, GIVE_UP_SECONDS = 60.0, 600.0
SOON_SECONDS = 5.0
"""An honest message is normal when it is stored so soon after its session began."""


@dataclass(frozen=True)
class Step:
    """One load on one server. `server`: a key of TARGETS."""

    server: str
    size: int
    sessions: int
    verdict: Verdict
    use: Use

    @property
    def milliseconds(self) -> float:
        """Processor time of the host for one message."""
        return 1000 * self.use.host / max(1, self.verdict.accepted)


@dataclass(frozen=True)
class Overload:
    """More than the limit. `normal`: seconds from the last offer until all was as before it."""

    rate: float
    seconds: float
    verdict: Verdict
    use: Use
    normal: float
    queue_empty: bool

    @property
    def held(self) -> bool:
        """Nothing was lost or refused for good, and soon all was normal."""
        return self.verdict.held and self.queue_empty and self.normal <= NORMAL_SECONDS


class Run:
    """What it finds is in `folder` too: a journal of each client and one of the mailbox double."""

    def __init__(self, mailbox: Mailbox, folder: Path) -> None:
        self._mailbox, self.folder = mailbox, folder

    def limits(self, seconds: float) -> Iterator[Step]:
        """MX and a plain Postfix in turn: both have the same neighbours on the machine."""
        with plain_postfix():
            for size in SIZES:
                for sessions in SESSIONS:
                    for server in TARGETS:
                        yield self._step(server, size, sessions, seconds)

    def _step(self, server: str, size: int, sessions: int, seconds: float) -> Step:
        order = self._order(f"{server}.{size}.{sessions}", server, size, seconds)
        order |= Order(sessions=sessions, recipients=["bob@example.test"])
        with Load(self.folder, order) as load, self._watch(load) as watch:
            attempts = load.attempts()
            self._await(order["run"], attempts)
        stored = self._mailbox.stored(order["run"])
        verdict = judge(attempts, stored, WANTED, filtered=server == "mx")
        self._say(f"{server}, {size} octets, {sessions} sessions: {verdict.rate:.1f}/s")
        return Step(server, size, sessions, verdict, watch.use)

    def overload(self, rate: float, seconds: float) -> Overload:
        """Offer so many messages a second, whatever becomes of them, for so many seconds."""
        order = self._order("over", "mx", MOSTLY, seconds) | Order(rate=rate)
        self._say(f"{rate:.1f} messages a second for {seconds:.0f} s")
        with Load(self.folder, order) as load:
            with self._watch(load) as watch:
                ended = load.offered()
            normal = self._normal(ended)
            attempts = load.attempts()
            self._await(order["run"], attempts)
            empty = queued() == 0
        verdict = judge(attempts, self._mailbox.stored(order["run"]), WANTED)
        return Overload(rate, seconds, verdict, watch.use, normal, empty)

    def _normal(self, since: float) -> float:
        """Seconds until a new message is stored soon and the queue is empty; infinite for never."""
        number = 0
        while time.time() < since + GIVE_UP_SECONDS:
            number += 1
            order = self._order(f"after.{number}", "mx", MOSTLY, 1.0) | Order(rate=1.0)
            with Load(self.folder, order) as load:
                [attempt] = load.attempts()
            soon = attempt["begin"] + SOON_SECONDS
            if attempt["code"] == 250 and attempt["end"] < soon:
                self._await(order["run"], [attempt], soon - time.time())
                at = [copy["at"] for copy in self._mailbox.stored(order["run"])]
                if at and max(at) < soon and queued() == 0:
                    return max(at) - since
            time.sleep(1.0)
        return float("inf")

    def _order(self, name: str, server: str, size: int, seconds: float) -> Order:
        return Order(
            run=f"{self.folder.name}.{name}",
            target=TARGETS[server],
            recipients=list(WANTED),
            size=size,
            seconds=seconds,
        )

    def _watch(self, load: Load) -> Watch:
        return Watch(lambda: process.pids(MX1.name), lambda: [load.pid, self._mailbox.pid])

    def _await(self, run: str, attempts: list[Attempt], seconds: float = STORED_SECONDS) -> None:
        """Wait until all that was accepted is stored; the verdict tells what never was."""
        with contextlib.suppress(LabError):
            wait_for(
                "the copies",
                lambda: complete(attempts, self._mailbox.stored(run), WANTED),
                seconds,
                step=0.5,
            )

    def _say(self, what: str) -> None:
        print(f"load: {what}", file=sys.stderr, flush=True)
