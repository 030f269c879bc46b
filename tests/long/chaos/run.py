"""One run: a lane of faults for each MX host, one for the world and one for `up`, side by side."""

from __future__ import annotations

import random
import sys
import threading
import time
from pathlib import Path

from lab.system import LabError
from lab.topology import INTERNET, MAILBOX1, MX1, MX2, STATE, Host, ipv4, ipv6

from . import evidence, faults, world
from .changes import Changes
from .evidence import Event
from .faults import Fault, sh
from .sender import Sender, Server, Target
from .table import Result

# From the addresses that sender.test's SPF record and PTR records name.
SERVERS = tuple(
    Server(host.name, tuple((of(host.numbers[0]), of(INTERNET.numbers[0])) for of in (ipv4, ipv6)))
    for host in (MX1, MX2)
)
TARGETS = (
    *(Target(f"{user}@example.test", (f"example.test/{user}",)) for user in ("alice", "bob")),
    Target("bob+plus@example.test", ("example.test/bob+plus",)),
    Target("info@example.test", ("example.test/alice", "example.test/bob")),
)
PAUSE = (2, 12)


class Run:
    """`seed` fixes which faults come in which order, with which pauses and for how long."""

    def __init__(self, seed: int, environment: dict[str, str]) -> None:
        self.seed, self.name = seed, f"{seed}-{int(time.time())}"
        self.folder = STATE / "chaos" / self.name
        self.folder.mkdir(parents=True)
        self.events, self.broken = list[Event](), list[str]()
        self._changes = Changes(environment, self.folder / "up.log")
        self._begun = time.time()
        self._lock = threading.Lock()

    def go(self, minutes: float, rate: float) -> Result:
        """Faults and mail for so many minutes, then wait for all mail and compare."""
        for host in (MX1, MX2):
            faults.prepare(host)
        journal = self.folder / "attempts.jsonl"
        sender = Sender(self.name, SERVERS, TARGETS, Path("/run/netns", INTERNET.netns), journal)
        end = self._begun + minutes * 60
        lanes = [threading.Thread(target=self._hosts, args=(host, end)) for host in (MX1, MX2)]
        lanes += [threading.Thread(target=lane, args=(end,)) for lane in (self._world, self._ups)]
        for lane in lanes:
            lane.start()
        try:
            sender.stream(rate, end)
        finally:
            for lane in lanes:
                lane.join()
            self._changes.restore()
            all_replied = sender.finish(600)
        if not all_replied:
            self.broken.append("ten minutes after the last fault messages had no final reply")
        emptied = self._drained(600)
        converged = self._changes.converges()
        logs = {host.name: _log(host, self._begun) for host in (MX1, MX2)}
        verdict = evidence.judge(
            sender.messages,
            evidence.copies(world.maildirs(), self.name),
            evidence.reports(INTERNET.root / "var/mail", self.name),
            self.events,
            logs,
        )
        return Result(
            self.seed, sender.messages, verdict, self.events, self.broken, converged, emptied
        )

    def _hosts(self, host: Host, end: float) -> None:
        self._lane(host.name, end, faults.FAULTS, host)

    def _world(self, end: float) -> None:
        self._lane("world", end, world.FAULTS, MAILBOX1)

    def _lane(self, lane: str, end: float, table: dict[str, Fault], host: Host) -> None:
        """One fault after the other; each one of the table before one comes twice."""
        chance, left = random.Random(f"{self.seed} {lane}"), list[str]()
        while True:
            left = left or chance.sample(sorted(table), len(table))
            name, pause = left.pop(), chance.uniform(*PAUSE)
            seconds = chance.uniform(*table[name].seconds)
            if not self._sleep(pause, end) or time.time() + seconds > end:
                return
            begin = time.time()
            try:
                self._say(lane, name)
                table[name].begins(host)
                time.sleep(seconds)
            except LabError as error:
                self._wrong(lane, f"{name}: begin: {error}")
            try:
                table[name].ends(host)
            except LabError as error:
                self._wrong(lane, f"{name}: end: {error}")
            self._say(lane, f"{name}: over")
            self.events.append(Event(name, lane, begin, time.time()))

    def _ups(self, end: float) -> None:
        chance = random.Random(f"{self.seed} up")
        while self._sleep(chance.uniform(*PAUSE), end - 30):
            begin = time.time()
            what = self._changes.change(chance)
            self._say("up", what)
            self.events.append(Event(f"up: {what}", "up", begin, time.time()))

    def _sleep(self, seconds: float, end: float) -> bool:
        """Sleep; whether the end is not reached by it."""
        if time.time() + seconds > end:
            return False
        time.sleep(seconds)
        return True

    def _drained(self, seconds: float) -> bool:
        """Flush all queues until no message of this run is in one, with a limit."""
        deadline = time.time() + seconds
        way = (MX1, MX2, MAILBOX1, INTERNET)
        while time.time() < deadline:
            if not any(f"+{self.name}-" in sh(host, "postqueue -j") for host in way):
                return True
            for host in way:
                sh(host, "postqueue -f || true")  # Postfix may be starting
            time.sleep(2)
        return False

    def _wrong(self, lane: str, what: str) -> None:
        self.broken.append(f"{lane}: {what}")
        self._say(lane, f"NOT AS MEANT: {what}")

    def _say(self, lane: str, what: str) -> None:
        with self._lock:
            print(f"{time.time() - self._begun:7.1f} {lane:6} {what}", file=sys.stderr, flush=True)


def _log(host: Host, since: float) -> str:
    """What smtp(8) of a host wrote about final replies that did not come."""
    find = f"journalctl -q -o cat --since @{int(since)} -g 'end of data' || true"
    return sh(host, find)
