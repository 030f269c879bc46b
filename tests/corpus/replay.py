"""The whole corpus against the stand-ins: what is equal, what is left out and what differs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from lab.engine import cloudflare_client
from lab.engine.cloudflare import CloudflareProvider
from lab.engine.plugin import Log
from tests.corpus import connected
from tests.corpus.double import Double
from tests.corpus.play import TOKEN, Outcome, play
from tests.corpus.scenario import FOLDER, scenarios
from tests.corpus.shell import ShellProvider

PLUGINS = ("command", "cloudflare")
LEFT_OUT = FOLDER / "left-out.json"
# What a connection needs, which no command of these scenarios sees.
PLACEHOLDERS = ("HOST_KEY", "PRIVATE_KEY", "REMOTE_DIR")


@dataclass
class Count:
    """Calls by what became of them."""

    equal: int = 0
    left_out: int = 0
    different: list[tuple[str, str, Outcome]] = field(default_factory=list)

    def add(self, plugin: str, name: str, outcomes: Iterable[Outcome]) -> None:
        """Count the outcomes of a scenario."""
        for outcome in outcomes:
            if outcome.equal:
                self.equal += 1
            else:
                self.different.append((plugin, name, outcome))

    def __str__(self) -> str:
        total = self.equal + self.left_out + len(self.different)
        return (
            f"{total} calls: {self.equal} equal, {self.left_out} left out, "
            f"{len(self.different)} different"
        )


def left_out() -> dict[str, dict[str, dict[str, list[int]]]]:
    """Plug-in, scenario and key of the reason (reasons.py) to the numbers of the calls left out."""
    listed: dict[str, dict[str, dict[str, list[int]]]] = json.loads(LEFT_OUT.read_text())
    return listed


def numbers(reasons: dict[str, list[int]]) -> frozenset[int]:
    """The numbers of a scenario's calls that are left out."""
    return frozenset(number for listed in reasons.values() for number in listed)


def replay(plugin: str, wanted: list[str] | None = None) -> Iterator[tuple[str, Count]]:
    """Each scenario's name with its count; `wanted` chooses by the beginning of the name."""
    chosen = {
        name: packed
        for name, packed in scenarios(plugin)
        if not wanted or name.startswith(tuple(wanted))
    }
    out = {name: numbers(left_out()[plugin].get(name, {})) for name in chosen}
    hosts = {}
    if plugin == "command" and chosen.keys() & {*connected.SCENARIOS}:
        hosts = connected.outcomes(out)
    double = Double()
    try:
        for name, packed in chosen.items():
            count = Count(left_out=len(out[name]))
            if name in hosts:
                count.add(plugin, name, hosts[name])
            elif len(out[name]) < len(packed["calls"]):
                quick = mock.patch.object(cloudflare_client, "PAUSES", (0.0,) * 10)
                with quick, tempfile.TemporaryDirectory() as folder:
                    played = _outcomes(plugin, packed, double, Path(folder), out[name])
                    count.add(plugin, name, played)
            yield name, count
    finally:
        double.close()


def _outcomes(
    plugin: str, packed: dict[str, Any], double: Double, folder: Path, out: frozenset[int]
) -> Iterator[Outcome]:
    if plugin == "cloudflare":
        names: dict[str, str | int] = {
            "API_TOKEN": TOKEN,
            "BASE_URL": f"http://{double.host}/client/v4",
            "API_HOST": double.host,
        }
        return play(packed, names, lambda log: CloudflareProvider(log), double, out)
    names = {name: name for name in PLACEHOLDERS}
    names |= {"DIR": str(folder), "HOST": "127.0.77.1", "PORT": 22}
    return play(packed, names, lambda log: ShellProvider(Log(log)), None, out)
