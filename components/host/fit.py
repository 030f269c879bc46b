"""Whether each host can be an MX host, as the one connection of every run tells.

A release of Debian that is not the one of the stack file ends the run: all that is sent to the host
would be made for another one. So does a host of another stack. What else is missing stops the
set-up of that host alone, and only where Postfix is not there yet: a host that takes mail goes on
taking it. Of such a host an address that DNS would get now ends the run, unless it is really the
host's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_command as command

from components.host import checks, clock, shut_out
from components.host.ask import SCRIPT, at, parse
from components.host.checks import Asked, findings
from components.host.facts import Facts
from components.host.held import Held
from components.host.seen import Seen
from components.protocol import warnings
from components.settings.environment import Settings

_TABLES = "-mail-database"
_NO_ROUTE = "Network is unreachable"


def new_mx(settings: Settings, resources: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Mail domain and MX host of each MX record that the engine's state does not have."""
    known = {urn.rpartition("::")[2] for urn in resources}
    return [
        (domain, host)
        for domain in settings.domains
        for host in settings.exchangers(domain)
        if f"dns-mx-{domain}-{host}" not in known
    ]


def new_routes(settings: Settings, applied: Mapping[str, Held]) -> list[tuple[str, str]]:
    """Mail domain and MX host of each domain that goes to a place to which no mail went before.

    `applied`: the commands of the engine's state. The tables that the last `up` applied name each
    mailbox host as `[HOST]:PORT`. Without tables in the state nothing is deployed, and the result
    is empty.
    """
    tables = "\n".join(each.text for name, each in applied.items() if name.endswith(_TABLES))
    found = []
    for domain, mail in settings.domains.items():
        host = settings.mailbox_hosts[mail.mailbox_host]
        former = re.search(rf"{re.escape(f'[{host.hostname}]:{host.port}')}(?!\d)", tables)
        if tables and former is None:
            found += [(domain, key) for key in settings.exchangers(domain)]
    return found


def new_addresses(settings: Settings, resources: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Public addresses of each MX host that its A and AAAA in the engine's state do not have."""
    published = {
        urn.rpartition("::")[2]: resource["outputs"].get("content")
        for urn, resource in resources.items()
    }
    return {
        key: frozenset(
            str(address)
            for kind, address in (("a", host.ipv4), ("aaaa", host.ipv6))
            if address is not None and published.get(f"dns-{kind}-{key}") != str(address)
        )
        for key, host in settings.hosts.items()
    }


def judge(
    settings: Settings,
    seen: Mapping[str, Seen],
    told: Mapping[str, Facts],
    new: Iterable[tuple[str, str]],
    here: clock.Between,
    moved: Mapping[str, frozenset[str]],
    routes: Iterable[tuple[str, str]] = (),
    owner: str = "",
) -> dict[str, str]:
    """Why hosts are not set up, by host; warns of that and of what keeps MX records back.

    `told`: the facts of the hosts that answered. `new`: see `new_mx`. `here`: when this
    machine asked. `moved`: see `new_addresses`. `routes`: see `new_routes`. `owner`: how hosts
    name this stack. Raises pulumi.RunError when a host runs another release or belongs to another
    stack, or when a host that serves is to get an address that is not its own.
    """
    new, routes = list(new), list(routes)
    bare = {key for key in told if "postfix" not in seen[key].status.get("bundles", {})}
    asked_for = {key: told[key] for key in told if key in bare or moved[key]}
    reached, unproven = _try(settings, doubts(settings, asked_for))
    refused, ends = {}, []
    for key, facts in told.items():
        domains = tuple(domain for domain, host in new if host == key)
        asked = Asked(
            settings, key, facts, domains, seen[key].bare, here, reached[key], unproven[key]
        )
        asked = replace(asked, owner=owner)
        if key not in bare:
            asked = replace(asked, judged=moved[key])
        if out := shut_out.words(settings, facts.client):
            pulumi.log.warn(warnings.held(key, out))
        wrong = findings(asked, "host")
        all_end = (checks.RELEASE, checks.OWNER, *(() if key in bare else (checks.ADDRESSES,)))
        ends += [each for row, each in wrong if row.name in all_end]
        if key in bare and wrong:
            words = checks.words(wrong)
            refused[key] = f"{key} is not set up, and nothing was done there: {words}"
            pulumi.log.warn(warnings.unfit(key, words))
        if domains:
            for row, each in findings(asked, "mx", "told"):
                held = "a new MX record is held back: " if row.stops == "mx" else ""
                pulumi.log.warn(warnings.held(key, f"{held}{each.what}; {each.cure}"))
        routed = tuple(domain for domain, host in routes if host == key and domain not in domains)
        for row, each in findings(replace(asked, domains=routed), "mx"):
            if routed and row.name == checks.MAILBOX:
                pulumi.log.warn(warnings.held(key, f"{each.what}; {each.cure}"))
    if ends:
        source = f"stacks/Pulumi.{pulumi.get_stack()}.yaml: mx:mail."
        raise pulumi.RunError(
            "\n".join(f"{source}{each.what}: {each.cure}" for each in ends)
            + "\nNothing was changed: hosts are read before anything is planned."
        )
    return refused


def no_root(settings: Settings, key: str, err: str) -> str:
    """Why a bare host told no facts: its login does not become root."""
    asked = Asked(settings, key, Facts(systemd=True))
    words = checks.words(
        [(row, each) for row, each in findings(asked, "host") if row.name == checks.ROOT]
    )
    said = err.strip().split("\n")[-1]
    return f"{words} (it answers: {said})" if said else words


def doubts(settings: Settings, told: Mapping[str, Facts]) -> list[tuple[str, str]]:
    """Host and address of each that is on no interface, and at which the host was not reached."""
    found = []
    for key, facts in told.items():
        host = settings.hosts[key]
        connected = str(host.ipv4) if host.ssh_address is None else host.ssh_address
        for address in filter(None, (host.ipv4, host.ipv6)):
            if str(address) not in (*facts.addresses, connected):
                found.append((key, str(address)))
    return found


def _try(
    settings: Settings, doubtful: list[tuple[str, str]]
) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """The addresses that reach each host, and those to which this machine has no route.

    Clouds translate addresses: the host does not know its own public one. Whoever shows the host's
    key at the address is the host.
    """
    reached = {
        key: {str(host.ipv4)} if host.ssh_address is None else {host.ssh_address}
        for key, host in settings.hosts.items()
    }
    unproven: dict[str, set[str]] = {key: set() for key in settings.hosts}
    if doubtful:
        names = {f"{pair[0]}-{number}": pair for number, pair in enumerate(doubtful)}
        answer = command.local.run(
            command=SCRIPT.read_text(),
            environment=at(settings, names) | {"MX_CALL": "true"},
            logging=command.local.Logging.NONE,
        )
        for name, (code, _, err) in parse(answer.stdout).items():
            key, address = names[name]
            if code == 0:
                reached[key].add(address)
            elif _NO_ROUTE in err:
                unproven[key].add(address)
    return (
        {key: frozenset(each) for key, each in reached.items()},
        {key: frozenset(each) for key, each in unproven.items()},
    )
