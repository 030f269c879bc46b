"""A host that is lost for good, in the engine's state."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from components.protocol.calls import LOST

COMPONENT = "mx:host:MailExchanger"


def hosts(resources: Iterable[Mapping[str, Any]]) -> list[str]:
    """The hosts of which the state has resources."""
    return [_name(each) for each in resources if each.get("type") == COMPONENT]


def urns(resources: Sequence[Mapping[str, Any]], host: str) -> list[str]:
    """The URNs of a host's own resources, its component first; empty when there are none.

    `resources` is in the engine's order, in which a parent comes before its children.
    """
    found: list[str] = []
    for each in resources:
        own = each.get("type") == COMPONENT and _name(each) == host
        if own or each.get("parent") in found:
            found.append(str(each["urn"]))
    # A resource that is replaced is there twice for a while.
    return list(dict.fromkeys(found))


def left_out(names: Iterable[str]) -> list[str]:
    """Options of `pulumi up` with which the engine leaves these resources as they are."""
    return [option for name in names for option in ("--exclude", name)]


@contextmanager
def not_asked(host: str) -> Iterator[None]:
    """While this lasts, the program does not ask a lost host for its queue."""
    os.environ[LOST] = host
    try:
        yield
    finally:
        del os.environ[LOST]


def _name(resource: Mapping[str, Any]) -> str:
    return str(resource.get("urn")).rpartition("::")[2]
