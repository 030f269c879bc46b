"""The whole corpus against the stand-ins: what is equal, what is left out and what differs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from lab.engine import cloudflare_client
from lab.engine.cloudflare import CloudflareProvider
from lab.engine.plugin import Log
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


def replay(plugin: str, wanted: list[str] | None = None) -> Iterator[tuple[str, Any]]:
    """Each scenario's name with its count; `wanted` chooses by the beginning of the name."""
    listed = left_out()[plugin]
    double = Double()
    try:
        for name, packed in scenarios(plugin):
            if wanted and not name.startswith(tuple(wanted)):
                continue
            total = len(packed["calls"])
            out = numbers(listed.get(name, {}))
            count = Count(left_out=len(out))
            if len(out) < total:
                quick = mock.patch.object(cloudflare_client, "PAUSES", (0.0,) * 10)
                with quick, tempfile.TemporaryDirectory() as folder:
                    for outcome in _outcomes(plugin, packed, double, Path(folder), out):
                        if outcome.equal:
                            count.equal += 1
                        else:
                            count.different.append((plugin, name, outcome))
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
