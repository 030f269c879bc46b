"""Aliases and notice addresses whose mail can only bounce or loop."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

# Top-level names that DNS never has (RFC 6761, RFC 7686, RFC 9476).
_NEVER = ("invalid", "localhost", "onion", "alt")
# main.cf maps these at an MX host's own name to the recipient of its notices.
_OF_A_HOST = ("postmaster", "root")


@dataclass(frozen=True)
class Addresses:
    """The addresses of an environment.

    `recipients`: mail domain to its local parts, None where a file has more of them. `aliases`:
    mail domain to local part to addresses. `parked`: domains without mail. `hosts`: name of an MX
    host to the address of its notices, if there is one. `delimiters`: recipient_delimiter
    (postconf(5)), which ends what is looked up second. `policy_hosts`: names that only serve
    MTA-STS policies.
    """

    recipients: Mapping[str, Collection[str] | None]
    aliases: Mapping[str, Mapping[str, Sequence[str]]]
    parked: Collection[str] = ()
    hosts: Mapping[str, str | None] = field(default_factory=dict)
    policy_hosts: Collection[str] = ()
    delimiters: str = ""

    def dead_end(self, address: str) -> str | None:
        """Why mail to an address can only bounce; None when it may arrive."""
        local, _, domain = address.rpartition("@")
        if domain in self.parked:
            return f"{domain} is in dns.parkedDomains and accepts no mail"
        if domain in self.policy_hosts:
            return f"{domain} is an MTA-STS policy host and accepts no mail"
        if domain in self.hosts and not (local in _OF_A_HOST and self.hosts[domain]):
            return f"{domain} is an MX host and not a mail domain; mail to it would loop"
        if domain.rpartition(".")[2] in _NEVER:
            return f"no mail reaches a name that ends in .{domain.rpartition('.')[2]}"
        if domain not in self.recipients:
            return None
        if local != local.lower():
            return f"{domain} is a mail domain of this stack: write {address.lower()!r}"
        known, aliases = self.recipients[domain], self.aliases.get(domain, {})
        base = self.without_extension(address).rpartition("@")[0]
        if known is None or {local, base} & {*known, *aliases}:
            return None
        return f"{base!r} is neither a recipient nor an alias of domains.{domain}"

    def without_extension(self, address: str) -> str:
        """The address that is looked up when there is none with the extension."""
        local, _, domain = address.rpartition("@")
        if self.delimiters:
            local = re.split(f"(?<=.)[{re.escape(self.delimiters)}]", local, maxsplit=1)[0]
        return f"{local}@{domain}"


def contradictions(addresses: Addresses) -> Iterable[str]:
    """A line for each alias that leads nowhere, with its YAML path, and for a cycle."""
    for domain, locals_ in addresses.aliases.items():
        for local, targets in locals_.items():
            path = f"domains.{domain}.aliases.{local}"
            if targets and {*targets} == {f"{local}@{domain}"}:
                yield (
                    f"{path}: the alias has no other target than itself; write {local!r} under "
                    "recipients instead"
                )
            for index, target in enumerate(targets):
                if (reason := addresses.dead_end(target)) is not None:
                    yield f"{path}[{index}]: no mail reaches {target}: {reason}"
    yield from _cycles(addresses)


def _cycles(addresses: Addresses) -> Iterable[str]:
    """cleanup(8) accepts no mail for an alias that leads back to itself.

    An alias may name itself beside others.
    """
    targets = {
        f"{local}@{domain}": list(found)
        for domain, locals_ in addresses.aliases.items()
        for local, found in locals_.items()
    }
    aliases = set(targets)
    for name, notices in addresses.hosts.items():
        if notices is not None:
            targets |= {f"{local}@{name}": [notices] for local in _OF_A_HOST}
    graph = {
        name: [
            address if address in targets else addresses.without_extension(address)
            for address in found
            if address != name
        ]
        for name, found in targets.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # Each of them is a target of the next.
        cycle = list(reversed(error.args[1][1:]))
        first = cycle.index(min(aliases & {*cycle} or cycle))
        cycle = [*cycle[first:], *cycle[:first], cycle[first]]
        local, _, domain = cycle[0].rpartition("@")
        yield (
            f"domains.{domain}.aliases.{local}: the alias leads back to itself: "
            f"{' -> '.join(cycle)}; Postfix refuses mail to such an alias (451)"
        )
