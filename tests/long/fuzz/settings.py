"""Hostile text in every setting that is text: refused, or kept in its place."""

from __future__ import annotations

import argparse
import functools
import os
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from components.settings.environment import Settings, SettingsError, from_mapping
from components.settings.package_source import CODENAMES
from tests.long.fuzz import document, places, rendered
from tests.long.fuzz.breakout import breakouts
from tests.long.fuzz.values import values


@dataclass
class Tally:
    """What became of the values; `bad` has a line for each that broke out or crashed."""

    counts: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)


_RECORDS = re.compile(r"(dns|domains\.\*)\.records\.(spf|dmarc|tlsRpt)")


@functools.cache
def schema() -> dict[str, Any]:
    """The schema of `mx:mail`."""
    return Settings.model_json_schema(by_alias=True)


def run(seed: int, count: int, folder: Path, part: int = 0, parts: int = 1) -> Tally:
    """Try `count` values, about as many in each place. Changes where settings' files lie.

    With `parts` only one place in as many is tried; all parts together try what one run would.
    """
    tally, wanted = Tally(), schema()
    known = places.of_schema(wanted)
    spots: list[tuple[str, places.Spot, dict[str, Any], dict[str, str]]] = []
    for name, whole in document.variants().items():
        rendered.lay_files(folder)
        before = rendered.texts(from_mapping(whole))
        mine = [each for each in places.of_document(whole) if places.place(each, wanted) in known]
        seen = {(spot.path, spot.key) for _, spot, _, _ in spots}
        spots += [(name, each, whole, before) for each in mine if (each.path, each.key) not in seen]
    for number, (name, spot, whole, before) in list(enumerate(spots))[part::parts]:
        share = count // len(spots) + (number < count % len(spots))
        rng, permitted = random.Random(f"{seed} {name} {spot}"), set(spot.text)
        for value in values(spot.text, rng, share, permitted):
            tally.counts["tried"] += 1
            for line in _one(spot, whole, before, value, permitted, tally):
                tally.bad.append(f"{spot} = {value!r}: {line}")
                print(tally.bad[-1], flush=True)  # a run takes minutes
    return tally


def _one(
    spot: places.Spot,
    whole: dict[str, Any],
    before: dict[str, str],
    value: str,
    permitted: set[str],
    tally: Tally,
) -> Iterator[str]:
    """Try one value; yield what is wrong."""
    changed = spot.put(whole, value)
    # Who renames a host renames it where it is named.
    for other in places.of_document(whole):
        if other.text == spot.text and (other.path, other.key) != (spot.path, spot.key):
            changed = places.renamed(changed, spot.text, value)
            break
    try:
        after = rendered.texts(from_mapping(changed))
    except SettingsError as error:
        tally.counts["refused"] += 1
        if not all(line.isprintable() for line in str(error).split("\n")):
            yield f"the refusal draws on the terminal: {str(error)[:200]!r}"
        return
    except Exception as error:
        yield f"crash: {type(error).__name__}: {str(error)[:200]}"
        return
    tally.counts["accepted"] += 1
    tally.accepted[str(spot)] += 1
    permitted.update(value)
    where = places.place(spot, schema()) or ""
    if value == "none" and _RECORDS.fullmatch(where):
        return  # the word for "no such record", which takes records away
    yield from breakouts(
        before, after, written(where, spot.text, whole), written(where, value, whole)
    )


def written(place: str, text: str, whole: dict[str, Any]) -> list[str]:
    """How a text is written: as it is, but for the places whose words go to different fields."""
    if place == "hosts.*.hostKey":
        # What follows type and key is a comment, which is written nowhere.
        return [text, *text.split()[:2]]
    if place == "resolver.trustAnchors[*]":
        return [text, *text.split()]
    if place == "spamFilter.source.url":
        return [text, urlsplit(text).hostname or text]
    if place == "spamFilter.source.suite":
        return [text, *(text.replace("{codename}", name) for name in CODENAMES.values())]
    return [text, *(text.replace("{host}", host) for host in whole["hosts"])]


def _part(seed: int, count: int, part: int, parts: int) -> Tally:
    with tempfile.TemporaryDirectory() as folder:
        return run(seed, count, Path(folder), part, parts)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; exit 1 when a value broke out or crashed the program."""
    parser = argparse.ArgumentParser(prog="tests/long/fuzz-settings")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--values", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args(arguments)
    tally, jobs = Tally(), max(1, options.jobs)
    with ProcessPoolExecutor(jobs) as pool:
        started = [
            pool.submit(_part, options.seed, options.values, part, jobs) for part in range(jobs)
        ]
        for each in started:
            done = each.result()
            tally.counts += done.counts
            tally.accepted += done.accepted
            tally.bad += done.bad
    print(f"{dict(tally.counts)}, {len(tally.accepted)} settings took some, {len(tally.bad)} bad")
    return 1 if tally.bad else 0


if __name__ == "__main__":
    sys.exit(main())
