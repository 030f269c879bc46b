"""The scenarios of connections, against a real sshd: `python -m tests.corpus.connected`.

Run in namespaces of its own, which `outcomes` makes. The last line of stdout is the list of
outcomes as JSON: scenario, number, label, what was recorded and what the stand-in did.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from lab.engine import ssh, ssh_login
from lab.engine.command import CommandProvider
from lab.engine.plugin import Log
from tests.corpus import host
from tests.corpus.odd_servers import odd_servers
from tests.corpus.play import Outcome, play
from tests.corpus.scenario import FOLDER, scenarios

# Each group is played beside the others: a login waits more than it computes.
_GROUPS = (
    ("28-login-keys",),
    ("22-cut", "29-login-agent", "30-login-agent-environment", "33-odd-servers"),
    ("31-host-keys", "32-dial-limits", "34-proxy"),
)
SCENARIOS = tuple(name for group in _GROUPS for name in group)
_NAMESPACES = ("--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
# A second of the recording lasts so long here.
_SECOND = 0.05
_LOCAL = re.compile(r"read tcp \S+->")
_ZEROS = re.compile(r"\0+$")


def outcomes(out: Mapping[str, frozenset[int]]) -> dict[str, list[Outcome]]:
    """Play the scenarios but for the calls of `out`, by scenario. Needs root."""
    players = [_player({name: sorted(out.get(name, ())) for name in group}) for group in _GROUPS]
    found: dict[str, list[Outcome]] = {name: [] for name in SCENARIOS}
    for player in players:
        text, _ = player.communicate(timeout=300)
        if player.returncode:
            raise RuntimeError(f"{player.args!r} ended with {player.returncode}: {text}")
        for item in json.loads(text.splitlines()[-1]):
            found[item.pop("scenario")].append(Outcome(**item))
    return found


def _player(left: Mapping[str, list[int]]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["unshare", *_NAMESPACES, sys.executable, "-m", "tests.corpus.connected", json.dumps(left)],
        cwd=FOLDER.parents[1],
        stdout=subprocess.PIPE,
        text=True,
    )


def _recorded() -> tuple[dict[str, Any], str, str]:
    """The scenarios, the recorded client's key, and the base64 text of the recorded host's."""
    found = {name: packed for name, packed in scenarios("command") if name in SCENARIOS}

    def connection(name: str, label: str) -> Any:
        call = next(each for each in found[name]["calls"] if each.get("label") == label)
        return call["request"]["properties"]["connection"]["value"]

    key = connection("28-login-keys", "without last newline")["privateKey"]["value"]
    return found, f"{key}\n", connection("31-host-keys", "only base64")["hostKey"]


def _steady(answer: dict[str, Any], scenario: str) -> dict[str, Any]:
    """The answer without what was another the second time that it was recorded, too."""
    errors = []
    for error in answer.get("errors", []):
        # A dial that timed out has either code.
        code = "Unknown" if error.endswith("i/o timeout") else "DeadlineExceeded"
        text = _LOCAL.sub("read tcp LOCAL->", error.replace("DeadlineExceeded", code))
        # How much of the output came before the connection was cut.
        errors.append(_ZEROS.sub("", text) if scenario == "22-cut" else text)
    return {**answer, "errors": errors} if errors else answer


def _play(left: Mapping[str, list[int]]) -> list[dict[str, Any]]:
    found, key, base64 = _recorded()
    host.furnish()
    names = {**host.names(key), "LOCAL": "LOCAL"}
    ours = str(names["HOST_KEY"]).split()[1]
    results = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(host.sshd())
        names |= stack.enter_context(odd_servers(host.HOST, host.PORT))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(host.agent(folder / "agent", host.RUN / "PRIVATE_KEY"))
        stack.enter_context(host.agent(folder / "empty"))
        stack.enter_context(mock.patch.object(ssh, "RETRY_FIRST", _SECOND * ssh.RETRY_FIRST))
        stack.enter_context(mock.patch.object(ssh, "RETRY_MAX", _SECOND * ssh.RETRY_MAX))
        stack.enter_context(mock.patch.object(ssh_login, "SECOND", _SECOND))
        for name in left:
            scenario = json.loads(json.dumps(found[name]).replace(base64, ours))
            played = play(
                scenario,
                {**names, "DIR": str(folder)},
                lambda log: CommandProvider(Log(log)),
                left_out=frozenset(left[name]),
            )
            results += [
                {
                    "scenario": name,
                    "number": each.number,
                    "call": {"label": each.call.get("label")},
                    "wanted": _steady(each.wanted, name),
                    "got": _steady(each.got, name),
                }
                for each in played
            ]
    return results


if __name__ == "__main__":
    # The library prints the traceback of each failure that is played here.
    logging.getLogger("paramiko").addHandler(logging.NullHandler())
    print(json.dumps(_play(json.loads(sys.argv[1]))))
