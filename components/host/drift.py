"""What has drifted on the hosts, and which renewals fail: read in every run, in previews too.

The engine never reads a host. So an invoke asks every agent, in one connection each and all at
once, what is applied there and what differs from it on the disk. That alone would believe a host
which came back from a snapshot: its record and its disk agree. So what the host has of each bundle
is also compared with the manifest that the engine's state says was applied last (held.py).

The call of a bundle carries a number. A bundle that is otherwise gets the number after the one in
the state: it shows as an update, and `up` applies it again. What is not read (the setting, a host
that does not answer, a state that the engine does not give) changes nothing: the call in the state
stays as it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_command as command

from components.host import answer, clock, facts, fit, held
from components.host.ask import NO_AGENT, SCRIPT, environment, parse
from components.host.held import Held
from components.host.seen import Seen
from components.protocol import warnings
from components.protocol.calls import agent_resource
from components.settings.environment import Settings
from components.settings.text import visible

# What mx-certificates(8) notes of its attempts, on one line.
RENEWALS = "/var/lib/mx/certificates/status.json"
# What mx_updates.py last saw, on one line.
UPDATES = "/var/lib/mx-updates/state.json"


def read_drift(settings: Settings, owner: str) -> dict[str, Seen]:
    """Ask all hosts; warn of what drifted, and of hosts that did not answer or cannot be an MX.

    `owner`: how hosts name this stack.

    Raises pulumi.RunError when a host runs another release than the stack file says, or belongs to
    another stack.
    """
    if not settings.drift.read:
        return {key: Seen() for key in settings.hosts}
    try:
        applied = held.read_state()
        new = fit.new_mx(settings, held.resources())
        routes = fit.new_routes(settings, applied)
        moved = fit.new_addresses(settings, held.resources())
    except Exception as error:
        for key in settings.hosts:
            why = f"the engine does not give the state of this stack: {error}"
            pulumi.log.warn(warnings.not_read(key, why))
        return {key: Seen() for key in settings.hosts}
    began = time.time()
    said = command.local.run(
        command=SCRIPT.read_text(),
        environment=environment(settings, settings.hosts)
        | {
            "MX_NOTED": f"{RENEWALS} {UPDATES}",
            "MX_PLACES": " ".join(facts.places(settings, [*new, *routes])),
            "MX_STDIN": facts.SCRIPT.read_text(),
        },
        logging=command.local.Logging.NONE,
    )
    seen, known, refused = {}, {}, {}
    here = (began, time.time())
    for key, (code, out, err) in parse(said.stdout).items():
        found, out = facts.take(out)
        seen[key], texts = judge(key, code, out, err, applied, here)
        for text in texts:
            pulumi.log.warn(text)
        if found.whole:
            known[key] = found
        elif seen[key].bare and settings.ssh.user != "root":
            why = fit.no_root(settings, key, visible(err))
            pulumi.log.warn(warnings.unfit(key, why))
            refused[key] = f"{key} is not set up, and nothing was done there: {why}"
    for text in copies(seen):
        pulumi.log.warn(text)
    refused |= fit.judge(settings, seen, known, new, here, moved, routes, owner)
    return {
        key: replace(seen.get(key, Seen()), refused=refused.get(key, "")) for key in settings.hosts
    }


def copies(seen: Mapping[str, Seen]) -> list[str]:
    """A warning for hosts that answer with one machine ID: a clone beside its original."""
    by_machine: dict[str, list[str]] = {}
    for key, host in sorted(seen.items()):
        by_machine.setdefault(host.machine, []).append(key)
    return [
        f"{' and '.join(keys)} answer with the same machine ID, {visible(machine)}: one of "
        "them runs from a copy of the other's disk. A copy has the same keys, and it sends "
        "the mail again that was in the queue when the copy was made. Take the copy off the "
        "network. Then set it up from a fresh installation, or delete its queue and give it "
        "a new machine ID (machine-id(5))"
        for machine, keys in by_machine.items()
        if machine and len(keys) > 1
    ]


def judge(
    key: str,
    code: int,
    out: str,
    err: str,
    applied: Mapping[str, Held],
    here: clock.Between | None = None,
) -> tuple[Seen, list[str]]:
    """What a host's answer means, and what to warn of; `applied` are the commands of the state.

    `here`: when this machine asked, None when clocks are not compared.

    An answer that is none of the agent's is that host's alone: its drift is not read.
    """
    try:
        return _judge(key, code, out, err, applied, here)
    except answer.OddAnswer as error:
        return Seen(), [warnings.not_read(key, str(error))]


def _judge(
    key: str,
    code: int,
    out: str,
    err: str,
    applied: Mapping[str, Held],
    here: clock.Between | None,
) -> tuple[Seen, list[str]]:
    machine, _, text = out.partition("\n")
    agent, _, text = text.partition("\n")
    if code not in (0, NO_AGENT) or (code and not machine):
        words = err.strip().split("\n")[-1] or f"exit code {code}"
        return Seen(), [warnings.not_read(key, visible(words))]
    answer.machine(machine)
    machine = machine.strip()
    agent = answer.agent(agent)
    if code == NO_AGENT and not agent:
        mine = {name for name in applied if name.startswith(f"{key}-")}
        told = [warnings.drift(key, warnings.AGENT, warnings.GONE)]
        bundles = {name.removeprefix(f"{key}-") for name in mine}
        gone = Seen(True, held=applied, behind=frozenset(bundles), machine=machine)
        return gone, told if mine else []
    if code:
        words = err.strip().split("\n")[-1] or f"exit code {code}"
        return Seen(), [warnings.not_read(key, visible(words))]
    noted, _, text = text.partition("\n")
    updates, _, text = text.partition("\n")
    status = answer.status(text)
    reasons = dict(_reasons(key, agent, status, applied))
    texts = [warnings.drift(key, visible(name), words) for name, words in reasons.items()]
    if wrong := clock.fault(status.get("time"), here):
        texts.append(f"clock of {key}: {': '.join(wrong)}")
    try:
        texts += waiting(key, updates)
    except answer.OddAnswer as error:
        texts.append(f"updates of {key} were not read: {UPDATES}: {error}")
    renewals: dict[str, dict[str, str]] = {}
    try:
        renewals = answer.renewals(noted)
    except answer.OddAnswer as error:
        texts.append(f"renewals of {key} were not read: {RENEWALS}: {error}")
    return Seen(True, status, renewals, applied, frozenset(reasons), machine), texts


def waiting(key: str, line: str) -> list[str]:
    """A warning of what the packages of a host wait for, from the line in UPDATES.

    Raises answer.OddAnswer.
    """
    found = answer.updates(line)
    waits = []
    if count := len(found.security):
        names = ", ".join(map(visible, found.security[:5])) + (", ..." if count > 5 else "")
        waits.append(f"{count} security updates ({names})")
    if found.restart:
        waits.append(f"a restart of {', '.join(map(visible, found.restart))}")
    if found.reboot:
        waits.append("a reboot into its newer kernel")
    if not waits:
        return []
    waits[-1] += "; docs/runbooks/MxUpdatesWaiting.md says what to do"
    return [warnings.updates(key, "; ".join(waits))]


def _reasons(
    key: str, agent: str, status: dict[str, Any], applied: Mapping[str, Held]
) -> Iterator[tuple[str, str]]:
    """Each bundle that is otherwise than this stack applied it, and why."""
    bundles: dict[str, dict[str, Any]] = status["bundles"]
    failed: dict[str, str] = status.get("failed", {})
    own = applied.get(agent_resource(key))
    lines = []
    if own is not None and own.digest != agent:
        lines.append("it is not the one that this stack installed last")
    if status.get("unfinished"):
        lines.append(
            "another run changes this host now; look again when that run has ended"
            if status.get("busy")
            else "a change was interrupted and will be finished by the next call"
        )
    # Of such a bundle no call may come: it may have left the settings.
    lines += [
        f"{visible(name)}: its first change failed at {visible(when)} and was undone"
        for name, when in failed.items()
        if name not in bundles and f"{key}-{name}" not in applied
    ]
    if lines:
        yield warnings.AGENT, "\n".join(lines)
    for name in sorted({*bundles, *(each for each in failed if f"{key}-{each}" in applied)}):
        lines = [answer.describe(bundles[name]["drift"])] if name in bundles else []
        lines = [line for line in lines if line]
        wanted = applied.get(f"{key}-{name}")
        if not lines and name in bundles and wanted is not None:
            old_agent = own is not None and own.digest != agent
            lines += _other_manifest(bundles[name], wanted, old_agent)
        if name in failed:
            lines.append(f"a change failed at {visible(failed[name])} and was undone")
        if lines:
            yield name, "\n".join(lines)
    for name in sorted(applied):
        bundle = name.removeprefix(f"{key}-")
        if name.startswith(f"{key}-") and applied[name].bundle == bundle and bundle not in bundles:
            yield bundle, "is not applied on this host any more"


def _other_manifest(bundle: dict[str, Any], wanted: Held, old_agent: bool) -> list[str]:
    """That the host has another manifest than the state.

    An agent before 1.4 does not tell which one it has. Where that agent came back with the host,
    the bundle is not believed; elsewhere the agent's own update makes the next run tell.
    """
    given = bundle.get("given")
    if given == wanted.digest or (not given and not old_agent):
        return []
    return [
        f"the manifest applied at {visible(bundle['applied'])} is not the one that this stack "
        "applied last: the host was restored from a backup, another stack or a person "
        "applied it, or an `up` was interrupted"
    ]
