"""Who used the processors while a load ran."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Use:
    """`by_program`: seconds of processor by the name of the program, without our own tools.

    `tools`: seconds of client and mailbox double. `others`: of everything else on the machine.
    """

    seconds: float
    by_program: dict[str, float]
    tools: float
    others: float

    @property
    def host(self) -> float:
        """Seconds of processor of the measured host."""
        return sum(self.by_program.values())


class Watch:
    """Reads the processes of a host every second, since those that end leave nothing behind.

    `host` and `tools` give the ids of processes. A process of less than a second may be missed.
    """

    def __init__(
        self, host: Callable[[], Iterable[int]], tools: Callable[[], Iterable[int]]
    ) -> None:
        self._host, self._tools = host, tools
        self._first: dict[tuple[bool, int, int], float] = {}
        self._last: dict[tuple[bool, int, int], tuple[str, float]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.use = Use(0.0, {}, 0.0, 0.0)

    def __enter__(self) -> Watch:
        self._begin, self._busy = time.time(), busy()
        self._look(begun=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._look()
        used: dict[bool, dict[str, float]] = {True: defaultdict(float), False: defaultdict(float)}
        for key, (name, seconds) in self._last.items():
            used[key[0]][name] += seconds - self._first[key]
        tools = sum(used[True].values())
        host = sum(used[False].values())
        others = max(0.0, busy() - self._busy - tools - host)
        self.use = Use(time.time() - self._begin, dict(used[False]), tools, others)

    def _run(self) -> None:
        while not self._over.wait(1.0):
            self._look()

    def _look(self, *, begun: bool = False) -> None:
        for tool, pids in ((True, self._tools()), (False, self._host())):
            for pid in pids:
                try:
                    name, started, seconds = parse(Path(f"/proc/{pid}/stat").read_text())
                except OSError:
                    continue  # it has ended
                key = (tool, pid, started)
                # What began since then used all of its time since then.
                self._first.setdefault(key, seconds if begun else 0.0)
                self._last[key] = (name, seconds)


def parse(text: str) -> tuple[str, int, float]:
    """Name, start and seconds of processor in a line of /proc/PID/stat (proc(5))."""
    head, _, rest = text.rpartition(") ")
    words = rest.split()
    return head.partition("(")[2], int(words[19]), (int(words[11]) + int(words[12])) / _TICK


def busy() -> float:
    """Seconds that all processors of this machine have worked, for anybody (proc(5))."""
    words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _wait, irq, softirq = map(int, words[:7])
    return (user + nice + system + irq + softirq) / _TICK


def shares(used: Mapping[str, float]) -> list[tuple[str, float]]:
    """Programs and their share of the sum, the largest first; without those below a hundredth."""
    total = sum(used.values())
    found = [(name, seconds / total) for name, seconds in used.items() if total]
    return sorted((each for each in found if each[1] >= 0.01), key=lambda each: -each[1])
