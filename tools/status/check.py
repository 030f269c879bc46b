"""What a check is, what it is asked about, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from tools.status.world import World

Severity = Literal["fault", "warning", "notice"]
"""fault: mail is lost, refused or open to forgery; warning: it may be; notice: could be better."""


@dataclass(frozen=True)
class Domain:
    """A mail domain."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Host:
    """An MX host, and a mail domain that it stands for."""

    name: str
    domain: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Address:
    """One address of an MX host."""

    address: str
    host: str
    domain: str

    def __str__(self) -> str:
        return f"{self.host} [{self.address}]"


@dataclass(frozen=True)
class Check:
    """A row of a table; `run` yields a sentence for each thing that is wrong."""

    name: str
    severity: Severity
    why: str
    cure: str
    run: Callable[[World, Any], Iterable[str]]


@dataclass(frozen=True)
class Finding:
    """Something that is wrong."""

    check: str
    severity: Severity
    subject: str
    what: str
    why: str
    cure: str


def findings(checks: Iterable[Check], world: World, subject: object) -> list[Finding]:
    """What the checks find wrong with a subject."""
    return [
        Finding(check.name, check.severity, str(subject), what, check.why, check.cure)
        for check in checks
        for what in check.run(world, subject)
    ]
