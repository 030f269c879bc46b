"""Whether mail arrives at an MX host, by what several viewpoints saw of its port 25."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from components.settings.environment import Settings
from components.settings.text import visible

HERE = ""  # the machine that the program runs on, where the key of a host would be


@dataclass
class View:
    """What one viewpoint saw: address to its greeting, or to why there was none.

    `none`: addresses that it has no route to.
    """

    greeted: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    none: set[str] = field(default_factory=set)


def addresses(settings: Settings, host: str) -> list[str]:
    """The public addresses of an MX host."""
    found = settings.hosts[host]
    return [str(each) for each in (found.ipv4, found.ipv6) if each is not None]


def judge(settings: Settings, host: str, views: Mapping[str, View]) -> tuple[list[str], list[str]]:
    """What keeps mail from arriving at a host's addresses, and what nobody could see."""
    wrong, unseen = [], []
    own = settings.hosts[host].hostname
    for address in addresses(settings, host):
        greetings = [view.greeted[address] for view in views.values() if address in view.greeted]
        others = [visible(text) for text in greetings if _greets_as(text) != own]
        if greetings and others == [visible(text) for text in greetings]:
            wrong.append(f"at {address} port 25 another server greets: {others[0]!r}, not {own}")
        if greetings:
            continue
        seen = {
            key: view.failed[address]
            for key, view in views.items()
            if address in view.failed and _proves(view, address)
        }
        for key, why in list(seen.items())[:1]:
            wrong.append(
                f"{address} does not answer on port 25, seen from {key or 'this machine'}: "
                f"{visible(why)}; open it in the firewall, and at the provider"
            )
        if not seen:
            unseen.append(
                f"no machine that may open port 25 could try {address}, so nothing proves "
                "that mail arrives there; try it from outside"
            )
    return wrong, unseen


def _greets_as(greeting: str) -> str:
    """The name in the first line of a greeting; `220-` begins several lines (RFC 5321, 4.2)."""
    words = greeting[len("220 ") :].split()
    return words[0] if words else ""


def _proves(view: View, address: str) -> bool:
    """Whether a viewpoint opened port 25 to another address of the same family."""
    if address in view.none:
        return False
    version = ip_address(address).version
    return any(ip_address(each).version == version for each in view.greeted)
