"""Judges whether a machine can be an MX host, from its own facts and from DNS."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import dns.reversename

from components.settings.environment import Settings
from components.settings.host import HostSettings
from tools.status.names import Names

from . import hosts, ssh_keys
from .explain import explain

_FACTS = Path(__file__).with_name("check_facts.sh")
# Resident memory of all services together is about 1 GB, packages take 1.2 GB of disk.
_MEMORY_MIB, _DISK_MIB = 1400, 3000

Level = Literal["ok", "notice", "fault"]


@dataclass(frozen=True)
class Line:
    """One thing that was looked at; `cure` is what to do, empty when nothing is wrong."""

    level: Level
    subject: str
    what: str
    cure: str = ""


@dataclass
class Facts:
    """What a host told."""

    release: str = ""
    memory: int = 0
    disk: int = 0
    addresses: list[str] = field(default_factory=list)
    smtp: str = ""
    systemd: bool = False
    # HOST:PORT to the greeting; an empty one means that it cannot be reached.
    reach: dict[str, str] = field(default_factory=dict)


def parse(text: str) -> Facts:
    """The facts in what check_facts.sh printed. Lines that are not known are passed over."""
    facts = Facts()
    for line in text.splitlines():
        name, _, value = line.partition("\t")
        match name:
            case "release" | "smtp":
                setattr(facts, name, value)
            case "memory" | "disk" if value.isdecimal():
                setattr(facts, name, int(value))
            case "address":
                facts.addresses.append(value)
            case "systemd":
                facts.systemd = True
            case "reach":
                place, _, greeting = value.partition(" ")
                facts.reach[place] = greeting
    return facts


def ask(settings: Settings, places: Sequence[str]) -> dict[str, tuple[int, str, str]]:
    """The answers of all hosts; the script runs as root where the login must use sudo."""
    arguments = " ".join(shlex.quote(place) for place in places)
    call = f"{hosts.sudo(settings)}sh -c {shlex.quote(_FACTS.read_text())} facts {arguments}"
    return hosts.run(settings, settings.hosts, call)


def judge_answer(
    settings: Settings,
    key: str,
    answer: tuple[int, str, str],
    names: Names,
    outbound: Sequence[str],
) -> Iterator[Line]:
    """Everything that can be told of one host."""
    code, out, err = answer
    host = settings.hosts[key]
    if code != 0:
        yield unreachable(settings, key, code, err)
        return
    yield Line("ok", key, f"reached over SSH as {settings.ssh.user}")
    facts = parse(out)
    yield from _machine(key, host, facts)
    yield from _addresses(key, host, facts)
    yield from _dns(key, host, names)
    yield from _places(key, facts, outbound)


def unreachable(settings: Settings, key: str, code: int, err: str) -> Line:
    """Why a host was not reached; a wrong host key with both fingerprints."""
    host = settings.hosts[key]
    address = host.ssh_address or str(host.ipv4)
    if "HOST IDENTIFICATION HAS CHANGED" in err or "Host key verification failed" in err:
        return Line("fault", key, *wrong_key(key, host, address, settings.ssh.port))
    words = explain(err, "") or f"exit code {code}"
    cure = f"try it: ssh -p {settings.ssh.port} {settings.ssh.user}@{address}"
    return Line("fault", key, f"not reached at {address}: {words}", cure)


def wrong_key(key: str, host: HostSettings, address: str, port: int) -> tuple[str, str]:
    """What the stack file pins and what the host shows, and what to do."""
    kind = (host.host_key or "").partition(" ")[0]
    shown = ssh_keys.scan(address, port)
    seen = f"{kind} {shown[kind]}" if kind in shown else ssh_keys.best(shown)
    expected = ssh_keys.fingerprint(host.host_key) if host.host_key else "in ssh.knownHostsFile"
    what = (
        f"the host at {address} has another SSH host key. hosts.{key}.hostKey: {expected}; "
        f"the host shows: {ssh_keys.fingerprint(seen) if seen else 'none'}"
    )
    cure = (
        "compare on its console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub. If the host was "
        f"set up anew, write `hostKey: {seen}`; else somebody may be in between"
    )
    return what, cure


def _machine(key: str, host: HostSettings, facts: Facts) -> Iterator[Line]:
    if facts.release == f"debian {host.debian}":
        yield Line("ok", key, f"Debian {host.debian}")
    else:
        known = facts.release in ("debian 12", "debian 13")
        cure = f"write `debian: {facts.release[-2:]}`" if known else "set up Debian 12 or 13"
        what = (
            f"hosts.{key}.debian is {host.debian}, the host runs {facts.release or 'nothing known'}"
        )
        yield Line("fault", key, what, cure)
    if not facts.systemd:
        yield Line("fault", key, "systemd is not its init", "use a machine or VM with systemd")
    for name, has, needs in (
        ("memory", facts.memory, _MEMORY_MIB),
        ("free disk below /var", facts.disk, _DISK_MIB),
    ):
        enough = has >= needs
        cure = "" if enough else f"all services together need {needs} MiB"
        yield Line("ok" if enough else "fault", key, f"{name}: {has} MiB", cure)
    if facts.smtp == "other":
        what = "something listens on port 25 already"
        yield Line("notice", key, what, "the preview shows which files of Postfix are replaced")


def _addresses(key: str, host: HostSettings, facts: Facts) -> Iterator[Line]:
    if str(host.ipv4) not in facts.addresses:
        what = f"{host.ipv4} is on none of its interfaces"
        yield Line("notice", key, what, "right behind NAT; else correct hosts.*.ipv4")
    if host.ipv6 is not None and str(host.ipv6) not in facts.addresses:
        what = f"{host.ipv6} is on none of its interfaces, and AAAA would be published"
        yield Line("fault", key, what, f"correct or remove hosts.{key}.ipv6")


def _dns(key: str, host: HostSettings, names: Names) -> Iterator[Line]:
    for address in filter(None, (host.ipv4, host.ipv6)):
        reverse = dns.reversename.from_address(str(address)).to_text()
        found = sorted(value.rstrip(".") for value in names.ask(reverse, "PTR").values)
        if host.hostname in found:
            yield Line("ok", key, f"PTR of {address} is {host.hostname}")
        else:
            what = f"PTR of {address} is {', '.join(found) or 'missing'}, not {host.hostname}"
            yield Line("fault", key, what, "set it at the provider: many receivers refuse without")


def _places(key: str, facts: Facts, outbound: Sequence[str]) -> Iterator[Line]:
    for place, greeting in facts.reach.items():
        if greeting.startswith("220") or (greeting and not place.endswith(":25")):
            yield Line("ok", key, f"reaches {place}")
        elif place in outbound:
            what = f"does not reach {place}: port 25 outward seems to be blocked"
            yield Line("fault", key, what, "ask the provider to open it: bounces and mail need it")
        else:
            said = f"it says {greeting!r}" if greeting else "no greeting"
            what = f"does not reach the mailbox host {place}: {said}"
            yield Line("fault", key, what, "check mailboxHosts.*, its name and its firewall")
