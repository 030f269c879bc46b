"""What a host is and what it reaches, read out of the answer of facts.sh."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from components.settings.environment import Settings

SCRIPT = Path(__file__).with_name("facts.sh")
NAMELESS = "?"
_BEGIN = "fact\t"
# Programs of Debian's Postfix: master(8) listens, and its children have the same socket.
POSTFIX = "/usr/lib/postfix/sbin/"


@dataclass
class Facts:
    """Of one host. `whole`: the script came to its end.

    `release`: ID and VERSION_ID of os-release(5). `memory`, `disk`: MiB; `disk` is what is free
    where the packages and the queue go. `time`: seconds since 1970. `addresses`: those on its
    interfaces. `smtp`: the programs that listen on port 25. `postfix`: MX has set Postfix up.
    `client`: the address from which the SSH connection comes. `owners`: the stacks that have set
    something up, such as `mx/production`.
    `reach`: HOST:PORT to the greeting, empty when there is none, NAMELESS when the name has no
    address. `ptr`: address to the name that DNS gives, empty when there is none.
    """

    whole: bool = False
    root: bool = False
    release: str = ""
    memory: int = 0
    disk: int = 0
    time: int = 0
    addresses: list[str] = field(default_factory=list)
    smtp: list[str] = field(default_factory=list)
    systemd: bool = False
    client: str = ""
    postfix: bool = False
    owners: list[str] = field(default_factory=list)
    reach: dict[str, str] = field(default_factory=dict)
    ptr: dict[str, str] = field(default_factory=dict)


def call(settings: Settings, places: Iterable[str]) -> str:
    """The line of shell that runs the script, which must come on stdin."""
    sudo = "" if settings.ssh.user == "root" else "sudo -n "
    return " ".join([f"{sudo}sh -s --", *map(shlex.quote, places)])


def places(settings: Settings, domains: Iterable[tuple[str, str]]) -> list[str]:
    """What hosts are asked for before they become MX of domains: mailbox hosts and PTR records.

    `domains`: pairs of a mail domain and an MX host. The order is the same in every run.
    """
    asked: dict[str, None] = {}
    for domain, host in domains:
        asked[mailbox(settings, domain)] = None
        for address in (settings.hosts[host].ipv4, settings.hosts[host].ipv6):
            if address is not None:
                asked[f"ptr:{address}"] = None
    return list(asked)


def mailbox(settings: Settings, domain: str) -> str:
    """HOST:PORT of the mailbox host of a mail domain."""
    host = settings.mailbox_hosts[settings.domains[domain].mailbox_host]
    return f"{host.hostname}:{host.port}"


def take(text: str) -> tuple[Facts, str]:
    """The facts of an answer, and the lines that are none."""
    facts, rest = Facts(), []
    for line in text.split("\n"):
        if line.startswith(_BEGIN):
            name, _, value = line.removeprefix(_BEGIN).partition("\t")
            _note(facts, name, value)
        else:
            rest.append(line)
    return facts, "\n".join(rest)


def _note(facts: Facts, name: str, value: str) -> None:
    """Note one fact. A name that is not known, or a number that is none, is passed over."""
    match name:
        case "release":
            facts.release = value
        case "memory" | "disk" | "time" if value.isascii() and value.isdecimal():
            setattr(facts, name, int(value[:18]))
        case "user":
            facts.root = value == "0"
        case "address":
            facts.addresses.append(value)
        case "client":
            facts.client = value
        case "owner":
            facts.owners.append(value)
        case "smtp":
            facts.smtp.append(value)
        case "systemd":
            facts.systemd = True
        case "postfix":
            facts.postfix = True
        case "reach" | "ptr":
            what, _, found = value.partition(" ")
            getattr(facts, name)[what] = found
        case "end":
            facts.whole = True
