"""Round after round: it happens, both reports tell it, one `up` heals it, the preview is empty."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab.system import LabError
from lab.topology import STATE

from . import accidents
from .cases import ROUNDS, Case
from .stack import FILE, REPORTS, Stack, reply, ssh

Wrong = dict[str, list[str]]
"""What is not as it must be, in words, by the name of the case; "" is the round's."""


def happen(cases: Iterable[Case], stack: Stack) -> list[Generator[None]]:
    """Bring all of them about, with one `up` of a later day for those that need one.

    What is returned is closed at the end: some give a host back what was taken from the host.
    """
    begun = [each for each in (case.happens(stack) for case in cases) if each is not None]
    for each in begun:
        next(each)
    if begun:
        stack.up(stack.later)
    for each in begun:
        next(each, None)
    return begun


def _nothing(cases: Iterable[Case]) -> Wrong:
    return {name: [] for name in ("", *(case.name for case in cases))}


def judge(cases: tuple[Case, ...], stack: Stack) -> Wrong:
    """Look at the reports before and after the `up` that heals."""
    found = _nothing(cases)
    for case in cases:
        if case.agrees and (differs := _differs(case)):
            found[case.name].append(f"the host's own record says that these differ: {differs}")
        for address in case.before:
            if (code := reply("mx2", address)) != 550:
                found[case.name].append(f"mx2 answers {code} for {address}: it is not behind")
    with ThreadPoolExecutor() as pool:
        reports = dict(zip(REPORTS, pool.map(stack.report, REPORTS), strict=True))
    for script, (code, document) in reports.items():
        if code != 2:
            found[""].append(f"{script}: exit {code}")
        _compare(script, document["drift"], cases, found)
        for case in cases:
            if not any(case.warned in text for text in ["", *document["warnings"]]):
                found[case.name].append(f"{script}: expected the warning {case.warned!r}")
    stack.up()
    code, document = stack.report("preview")
    if code != 0:
        found[""].append(f"preview after one up: exit {code}: {document['drift']}")
    for case in cases:
        wanted = dict.fromkeys(case.served, 250) | dict.fromkeys(case.unknown, 550)
        found[case.name] += [
            f"{host} answers {now} for {address}, not {code}"
            for host in ("mx1", "mx2")
            for address, code in wanted.items()
            if (now := reply(host, address)) != code
        ]
    return found


def _differs(case: Case) -> list[str]:
    hosts = sorted({host for host, _ in case.said})
    told = [(host, name) for host in hosts for name in accidents.drifted(ssh, host)]
    return [" ".join(each) for each in told if each in case.said]


def _compare(script: str, drift: list[str], cases: tuple[Case, ...], found: Wrong) -> None:
    """Note what a report says too little or too much."""
    told: dict[tuple[str, str], str] = {}
    for text in drift:
        _, host, component, *_ = f"{text}: : ".split("\n")[0].split(": ")
        told[host, component] = text
    expected: set[tuple[str, str]] = set()
    for case in cases:
        expected |= {*case.said, *case.also}
        found[case.name] += [
            f"{script}: {' '.join(where)}: expected {words!r}, seen {told.get(where)!r}"
            for where, words in case.said.items()
            if words not in told.get(where, "")
        ]
    found[""] += [f"{script}: told too: {told[where]}" for where in sorted(told.keys() - expected)]


def one_round(cases: tuple[Case, ...]) -> int:
    """Run cases side by side and print how each went; how many did not hold."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        stack = Stack(Path(folder))
        begun: list[Generator[None]] = []
        try:
            begun = happen(cases, stack)
            found = judge(cases, stack)
        except LabError as error:
            found = _nothing(cases) | {"": [str(error)]}
        finally:
            for each in begun:
                each.close()
            if FILE.read_text() != stack.plain:
                stack.up(stack.plain)
    for case in cases:
        agrees = "record agrees" if case.agrees else "record differs"
        held = not found[case.name] and not found[""]
        print(f"{'yes' if held else 'NOT'}  {agrees:15} {case.name}", flush=True)
    for words in (each for name in found for each in found[name]):
        print(f"     {words}", flush=True)
    print(f"     {time.monotonic() - start:.0f} s", flush=True)
    return sum(bool(found[case.name] or found[""]) for case in cases)


def main() -> int:
    """Exit 0 when every case is seen and healed, 1 when one is not."""
    chosen = [each for each in ROUNDS if not sys.argv[1:] or each[0].name in sys.argv[1:]]
    bad = sum(one_round(cases) for cases in chosen)
    count = sum(len(cases) for cases in chosen)
    print(f"{count - bad} of {count} seen with the reason and healed by one up")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
