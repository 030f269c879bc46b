"""Whether a host can be an MX: one table, each row one thing that is read and not believed.

What a row finds stops the set-up of a host (`host`), holds new MX records back (`mx`), or is only
told (`told`). The program, its previews and `mx check` go through the same table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal

from components.host import clock, memory
from components.host.facts import NAMELESS, POSTFIX, Facts, mailbox
from components.settings.environment import Settings
from components.settings.text import visible

Stops = Literal["host", "mx", "told"]

# What packages take, 1.2 GB of it, and what a host needs free that has them.
DISK_MIB, DISK_LEFT_MIB = 3000, 300
RELEASE, ROOT, ADDRESSES = "release of Debian", "root", "own addresses"
_SAID = {"": "no greeting", NAMELESS: "the host finds no address of that name"}
_KNOWN = ("debian 12", "debian 13")
MAILBOX, PORT, OWNER, POINTER = "mailbox host", "port 25", "stack", "PTR"


@dataclass(frozen=True)
class Asked:
    """One host: what it answered, and what is known beside.

    `domains`: the mail domains whose MX records are new on this host. `bare`: nothing of the stack
    is there. `here`: when this machine asked, None when clocks are not compared.
    `reached`: addresses at which a connection was answered by this host. `unproven`: addresses that
    this machine has no route to. `judged`: the public addresses that are judged, None for all.
    `owner`: how a host names this stack, empty when that is not compared.
    """

    settings: Settings
    key: str
    facts: Facts
    domains: tuple[str, ...] = ()
    bare: bool = True
    here: clock.Between | None = None
    reached: frozenset[str] = field(default_factory=frozenset)
    unproven: frozenset[str] = field(default_factory=frozenset)
    judged: frozenset[str] | None = None
    owner: str = ""


@dataclass(frozen=True)
class Finding:
    """What is wrong, and what to do about it."""

    what: str
    cure: str


@dataclass(frozen=True)
class Check:
    """One row: its name, what a finding stops, how it is found, and what is told without one."""

    name: str
    stops: Stops
    find: Callable[[Asked], Iterable[Finding]]
    well: str


def _release(asked: Asked) -> Iterator[Finding]:
    wanted, found = f"debian {asked.settings.hosts[asked.key].debian}", asked.facts.release
    if found == wanted:
        return
    yield Finding(
        f"hosts.{asked.key}.debian is {wanted.split()[1]}, but the host runs "
        f"{visible(found) or 'an unknown system'}",
        f"write `debian: {found[-2:]}`" if found in _KNOWN else "set up Debian 12 or 13",
    )


def _owner(asked: Asked) -> Iterator[Finding]:
    for owner in asked.facts.owners:
        if asked.owner and owner != asked.owner:
            name = visible(owner).rpartition("/")[2]
            yield Finding(
                f"hosts.{asked.key}: the host belongs to the stack {visible(owner)!r}, not to "
                f"{asked.owner!r}",
                f"`mx destroy {name}`, where that stack's state is, gives the host free. If the "
                f"state is lost, use the same name: `mx init {name}` (docs/backends.md)",
            )


def _root(asked: Asked) -> Iterator[Finding]:
    if not asked.facts.root:
        user = asked.settings.ssh.user
        yield Finding(
            f"the login {user} cannot become root without a password",
            f"allow it on the host with this line in sudoers(5): {user} ALL=(ALL) NOPASSWD: ALL",
        )


def _init(asked: Asked) -> Iterator[Finding]:
    if not asked.facts.systemd:
        yield Finding("systemd is not its init system", "use a machine or a VM that runs systemd")


def _memory(asked: Asked) -> Iterator[Finding]:
    if asked.facts.memory < memory.LEAST_MIB:
        yield Finding(
            f"memory: {asked.facts.memory} MiB",
            f"all services together need {memory.LEAST_MIB} MiB",
        )


def _memory_at_most(asked: Asked) -> Iterator[Finding]:
    needed = memory.at_most(asked.settings)
    if memory.LEAST_MIB <= asked.facts.memory < needed:
        yield Finding(
            f"memory: {asked.facts.memory} MiB; with all {asked.settings.postfix.smtpd_processes} "
            f"SMTP sessions and full caches the services take {needed} MiB",
            "add memory, or lower postfix.smtpdProcesses, spamFilter.redisMemoryMebibytes or "
            "resolver.cacheMebibytes",
        )


def _disk(asked: Asked) -> Iterator[Finding]:
    needed = DISK_MIB if asked.bare else DISK_LEFT_MIB
    if asked.facts.disk < needed:
        yield Finding(
            f"free disk below /usr and /var: {asked.facts.disk} MiB",
            f"packages and the queue need {needed} MiB",
        )


def _clock(asked: Asked) -> Iterator[Finding]:
    if wrong := clock.fault(asked.facts.time, asked.here):
        yield Finding(f"its clock is {wrong[0]}", wrong[1])


def _port(asked: Asked) -> Iterator[Finding]:
    others = [program for program in asked.facts.smtp if not program.startswith(POSTFIX)]
    if others:
        names = ", ".join(visible(name) or "a program of another container" for name in others)
        yield Finding(
            f"port 25 is in use by {names}, which is not Debian's Postfix",
            "wait until its queue is empty, then stop and remove it",
        )


def _address(asked: Asked) -> Iterator[Finding]:
    host = asked.settings.hosts[asked.key]
    for name, address in (("ipv4", host.ipv4), ("ipv6", host.ipv6)):
        text = str(address)
        if address is None or text in asked.facts.addresses or text in asked.reached:
            continue
        if asked.judged is not None and text not in asked.judged:
            continue
        family = any(ip_address(one).version == address.version for one in _valid(asked.facts))
        if text in asked.unproven and family:
            continue
        yield Finding(
            f"hosts.{asked.key}.{name}: {text} is on none of the host's interfaces, and no "
            f"connection to {text} reaches this host",
            f"correct hosts.{asked.key}.{name}, or give the host the address",
        )


def _unproven(asked: Asked) -> Iterator[Finding]:
    for text in sorted(asked.unproven - asked.reached - set(asked.facts.addresses)):
        yield Finding(
            f"{text} is on none of the host's interfaces, and this machine has no route to it",
            "test from another machine whether a connection to it reaches the host",
        )


def _valid(facts: Facts) -> Iterator[str]:
    for text in facts.addresses:
        with suppress(ValueError):
            ip_address(text)
            yield text


def _mailbox(asked: Asked) -> Iterator[Finding]:
    settings = asked.settings
    for place in dict.fromkeys(mailbox(settings, domain) for domain in asked.domains):
        greeting = asked.facts.reach.get(place)
        if greeting is None or greeting.startswith("220"):
            continue
        domains = [domain for domain in asked.domains if mailbox(settings, domain) == place]
        said = _SAID.get(greeting) or f"it answers {visible(greeting)!r}"
        yield Finding(
            f"the mailbox host {place} is not reached: {said}; mail for {_some(domains)} "
            "would wait in the queue",
            "check its name and port in mailboxHosts, and its firewall",
        )


def _ptr(asked: Asked) -> Iterator[Finding]:
    host = asked.settings.hosts[asked.key]
    for address in filter(None, (host.ipv4, host.ipv6)):
        name = asked.facts.ptr.get(str(address))
        names = (name or "").lower().replace(",", " ").split()
        if name is not None and host.hostname not in [each.rstrip(".") for each in names]:
            yield Finding(
                f"PTR of {address} is {visible(name)}, not {host.hostname}"
                if name
                else f"PTR of {address} is missing; it should be {host.hostname}",
                "set it at the provider, because many receivers refuse mail without it",
            )


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


CHECKS: tuple[Check, ...] = (
    Check(RELEASE, "host", _release, "runs the Debian release of the stack file"),
    Check(OWNER, "host", _owner, "belongs to no other stack"),
    Check(ROOT, "host", _root, "runs commands as root"),
    Check("systemd", "host", _init, "runs systemd"),
    Check("memory", "host", _memory, "has enough memory"),
    Check("memory at full load", "told", _memory_at_most, "has enough memory at full load"),
    Check("free disk", "host", _disk, "has enough free disk"),
    Check("clock", "host", _clock, "has the right time"),
    Check(PORT, "host", _port, "has no mail server of others on port 25"),
    Check(ADDRESSES, "host", _address, "has the addresses of the stack file"),
    Check("addresses tried from another host", "told", _unproven, "can be reached at them"),
    Check(MAILBOX, "mx", _mailbox, "reaches the mailbox hosts"),
    Check(POINTER, "told", _ptr, "has the right PTR records"),
)


def findings(asked: Asked, *stops: Stops) -> list[tuple[Check, Finding]]:
    """Everything that is wrong with a host, of these kinds; all kinds when none is given."""
    rows = [row for row in CHECKS if not stops or row.stops in stops]
    return [(row, found) for row in rows for found in row.find(asked)]


def words(found: Iterable[tuple[Check, Finding]]) -> str:
    """Findings as one line."""
    return "; ".join(f"{each.what}: {each.cure}" for _, each in found)
