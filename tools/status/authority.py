"""CAA: who may issue certificates for an MX host."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.status.check import Check, Host
from tools.status.world import World

_CAA = re.compile(r'(\d+) ([A-Za-z0-9]+) "(.*)"')
_ISSUE = re.compile(r"\s*([A-Za-z0-9.-]*)\s*(;.*)?")


def _closest(world: World, name: str) -> tuple[str, tuple[str, ...]]:
    """The CAA records that count for a name, by the climb of RFC 8659 section 3."""
    labels = name.split(".")
    for start in range(len(labels)):
        candidate = ".".join(labels[start:])
        values = world.names.ask(candidate, "CAA").values
        if values:
            return candidate, values
    return name, ()


def _missing(world: World, host: Host) -> Iterator[str]:
    place, values = _closest(world, host.name)
    tags = {match[2].lower() for value in values if (match := _CAA.fullmatch(value))}
    if not values:
        yield "neither this name nor a name above it has a CAA record"
    elif "issue" not in tags:
        yield f"the CAA records at {place} have no issue"


def _syntax(world: World, host: Host) -> Iterator[str]:
    place, values = _closest(world, host.name)
    for value in values:
        match = _CAA.fullmatch(value)
        if match is None:
            yield f"{place}: {value}"
        elif match[2].lower() in ("issue", "issuewild") and not _ISSUE.fullmatch(match[3]):
            yield f"{place}: {match[3]!r} does not name an authority"
        elif match[2].lower() == "iodef" and not re.match(r"(mailto|https?):", match[3]):
            yield f"{place}: iodef {match[3]!r} is not a URL"


HOST = (
    Check(
        "caa-missing",
        "notice",
        "Every authority may issue a certificate for it.",
        'Publish 0 issue "AUTHORITY; validationmethods=dns-01". Where one ACME account orders all '
        "certificates, add its accounturi, too (RFC 8657).",
        _missing,
    ),
    Check(
        "caa-syntax",
        "warning",
        "Authorities refuse to issue, or take it as allowed.",
        "Correct the record.",
        _syntax,
    ),
)
