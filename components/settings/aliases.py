"""Aliases that lead back to themselves: cleanup(8) accepts no mail for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter


def contradictions(
    aliases: Mapping[str, Mapping[str, Sequence[str]]], delimiters: str
) -> Iterable[str]:
    """A line for a cycle, if there is one.

    `aliases`: mail domain to local part to addresses. `delimiters`: recipient_delimiter
    (postconf(5)), which ends what is looked up second. An alias may name itself beside others.
    """
    targets = {
        f"{local}@{domain}": addresses
        for domain, locals_ in aliases.items()
        for local, addresses in locals_.items()
    }
    graph = {
        name: [
            address if address in targets else _without_extension(address, delimiters)
            for address in addresses
            if address != name
        ]
        for name, addresses in targets.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # Each of them is a target of the next.
        cycle = list(reversed(error.args[1][1:]))
        first = cycle.index(min(cycle))
        cycle = [*cycle[first:], *cycle[:first], cycle[first]]
        local, _, domain = cycle[0].rpartition("@")
        yield (
            f"domains.{domain}.aliases.{local}: leads back to itself: {' -> '.join(cycle)}; "
            "Postfix accepts no mail for such an alias (451)"
        )


def _without_extension(address: str, delimiters: str) -> str:
    local, _, domain = address.rpartition("@")
    if delimiters:
        local = re.split(f"(?<=.)[{re.escape(delimiters)}]", local, maxsplit=1)[0]
    return f"{local}@{domain}"
