"""What has drifted on the hosts, and which renewals fail: read in every run, in previews too.

The engine never reads a host. So an invoke asks every agent, in one connection each and all at
once, for its heal numbers and its drift. The call of a bundle carries that number; with drift it
carries the next one, so a drifted bundle shows as an update, `up` applies it again, and the agent
keeps the number that it was called with. A host that was set up anew answers with another number,
because the first one comes from its machine ID (machine-id(5)).

What is not read (the setting, a host that does not answer) changes nothing: the call in the state
stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pulumi
import pulumi_command as command

from components.host.ask import NO_AGENT, SCRIPT, environment, parse
from components.host.seen import Seen
from components.settings.environment import Settings

# What mx-certificates(8) notes of its attempts, on one line.
RENEWALS = "/var/lib/mx/certificates/status.json"


def read(settings: Settings) -> dict[str, Seen]:
    """Ask all hosts; warn of what drifted, and of hosts that did not answer."""
    if not settings.drift.read:
        return {key: Seen() for key in settings.hosts}
    answer = command.local.run(
        command=SCRIPT.read_text(),
        environment=environment(settings, settings.hosts) | {"MX_NOTED": RENEWALS},
        logging=command.local.Logging.NONE,
    )
    seen = {}
    for key, (code, out, err) in parse(answer.stdout).items():
        seen[key], warnings = judge(key, code, out, err)
        for warning in warnings:
            pulumi.log.warn(warning)
    return {key: seen.get(key, Seen()) for key in settings.hosts}


def judge(key: str, code: int, out: str, err: str) -> tuple[Seen, list[str]]:
    """What a host's answer means, and what to warn of."""
    machine, _, text = out.partition("\n")
    first = int(machine[:8], 16) % 1_000_000_000 + 1 if machine else 0
    if code == NO_AGENT and machine:
        return Seen(True, first), []
    if code:
        words = err.strip().splitlines()[-1:] or [f"exit code {code}"]
        return Seen(), [f"drift of {key} was not read: {words[0]}"]
    noted, _, text = text.partition("\n")
    status: dict[str, Any] = json.loads(text)
    warnings = [
        f"drift: {key}: {name}: {describe(bundle['drift'])}"
        for name, bundle in status["bundles"].items()
        if bundle["drift"]
    ]
    renewals: dict[str, dict[str, str]] = {}
    try:
        renewals = json.loads(noted or "{}")
    except ValueError as error:
        warnings.append(f"renewals of {key} were not read: {RENEWALS}: {error}")
    return Seen(True, first, status, renewals), warnings


def describe(drift: Iterable[dict[str, Any]]) -> str:
    """Drift as lines: what is different, then the diff from what was applied to what is there."""
    lines = []
    for item in drift:
        name = next(str(value) for key, value in item.items() if key not in ("what", "diff"))
        lines.append(f"{name}: {item['what']}")
        lines += item.get("diff", [])
    return "\n".join(lines)
