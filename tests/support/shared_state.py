"""What two operators live through with a state on a server; each function is one story."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.support import operators
from tests.support.backends import Server
from tests.support.operators import STACK

UP = ("up", STACK, "--yes", "--skip-preview")
HELD = 6
Words = dict[str, str]


def one_at_a_time(folder: Path, server: Server, more: Mapping[str, str]) -> Words:
    """The second operator is refused by name, and a server that comes back costs nothing."""
    with operators.api(folder) as (double, url):
        first, second = operators.pair(folder, server.url, url, more)
        double.hold(HELD)
        run = first.begin(*UP)
        assert double.held.wait(120)
        code, refused = second.mx(*UP)
        assert code == 1
        assert f"process {_engine_of(run.pid)}" in flat(refused)
        assert f"mx pulumi {STACK} cancel --yes" in flat(refused)
        assert len(double.records()) <= HELD
        server.kill()
        double.release()
        server.start()
        code, output = operators.ended(run)
        assert code == 0, output
        code, output = second.mx("preview", STACK)
        assert code == 0, output
        assert double.once()
        assert sorted(first.applied()) == ["agent", "postfix"]
        return {"the second of two operators": refused}


def killed(folder: Path, server: Server, more: Mapping[str, str]) -> Words:
    """A killed run leaves its lock; `cancel` frees it, and `up` elsewhere finds what was done."""
    with operators.api(folder) as (double, url):
        first, second = operators.pair(folder, server.url, url, more)
        double.hold(HELD)
        run = first.begin(*UP)
        assert double.held.wait(120)
        operators.kill(run)
        double.release()
        left = {item["id"] for item in double.records()}
        assert len(left) >= HELD
        code, locked = second.mx(*UP)
        assert code == 1
        assert f"mx pulumi {STACK} cancel --yes" in flat(locked)
        words = _goes_on(second, double, left)
        assert second.applied() == []
        return {"a lock that was left": locked} | words


def lost(folder: Path, server: Server, more: Mapping[str, str]) -> Words:
    """The server goes in the middle of `up` and stays away until the engine has given up."""
    with operators.api(folder) as (double, url):
        first, second = operators.pair(folder, server.url, url, more)
        double.hold(HELD)
        run = first.begin(*UP)
        assert double.held.wait(120)
        server.kill()
        double.release()
        code, gone = operators.ended(run)
        assert code == 1
        assert "server was lost during the run" in flat(gone)
        left = {item["id"] for item in double.records()}
        code, away = second.mx(*UP)
        assert code == 1
        assert "server of the state cannot be reached" in flat(away)
        server.start()
        words = _goes_on(second, double, left)
        assert sorted(first.applied()) == ["agent", "postfix"]
        assert second.applied() == []
        return {"the server lost during `up`": gone, "the server away": away} | words


def _goes_on(second: operators.Operator, double: operators.Holding, left: set[str]) -> Words:
    code, freed = second.mx("pulumi", STACK, "cancel", "--yes")
    assert code == 0, freed
    code, output = second.mx(*UP)
    assert code == 0, output
    assert left <= {item["id"] for item in double.records()}
    assert double.once()
    code, nothing = second.mx("preview", STACK)
    assert code == 0, nothing
    assert "cut off" not in nothing
    return {"the lock freed": freed, "`up` afterwards": output}


def flat(words: str) -> str:
    """The words without the line breaks of a terminal."""
    return " ".join(words.split())


def _engine_of(leader: int) -> str:
    """The process of the engine that `mx` runs, which is what the lock names."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = text.rpartition(")")[2].split()
        if fields[3] == str(leader) and "(pulumi)" in text:
            return stat.parent.name
    raise AssertionError("the run has no engine")
