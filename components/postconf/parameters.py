"""Parameters of Postfix by version: type, range, default, and the programs that read them.

parameters.tsv is written by scripts/postconf-names from the sources of Postfix 3.6, 3.7, 3.8, 3.10
and 3.11, and from packages of 3.4, 3.5 and 3.9. Those packages give the names; types and defaults
are those of the nearest older version that has the parameter, else of the nearest newer one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("parameters.tsv")
ALL_VERSIONS = ("3.4", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11")

# Names that the library sets by itself, or that no table declares (postconf_builtin.c).
_BUILT_IN = ("config_directory", "debugger_command", "process_id", "process_name", "service_name")

# master(5) services make parameters of their own (postconf_service.c): NAME_recipient_limit and so
# on. "str" are the numbers of concurrency feedback, which may be "1/2" or "1/concurrency".
_PER_TRANSPORT = {
    "destination_concurrency_failed_cohort_limit": "int",
    "destination_concurrency_limit": "int",
    "destination_concurrency_negative_feedback": "str",
    "destination_concurrency_positive_feedback": "str",
    "destination_rate_delay": "time",
    "destination_recipient_limit": "int",
    "delivery_slot_cost": "int",
    "delivery_slot_discount": "int",
    "delivery_slot_loan": "int",
    "extra_recipient_limit": "int",
    "initial_destination_concurrency": "int",
    "minimum_delivery_slots": "int",
    "recipient_limit": "int",
    "recipient_refill_delay": "time",
    "recipient_refill_limit": "int",
    "transport_rate_delay": "time",
    "time_limit": "time",
}
_OF_A_TRANSPORT = re.compile(rf"[A-Za-z0-9_-]+?_({'|'.join(_PER_TRANSPORT)})")


@dataclass(frozen=True)
class Parameter:
    """One parameter of one version.

    `kind` is the table that declares it: bool, nbool, int, nint, long, time, str or raw (nbool and
    nint are expanded later than bool and int; raw is not expanded). `low` and `high` are bounds of
    numbers and times, and of the length of a str; None where there is none. `programs` are names of
    daemons; "all" when every program reads it, "tls" when every program with TLS does.
    """

    name: str
    kind: str
    low: int | None
    high: int | None
    programs: tuple[str, ...]
    default: str
    """As the source writes it; "(the host)" when it depends on the host or the way of building."""
    of_transport: bool = False
    """Whether it belongs to one transport: it is read when mail takes that transport."""


def _number(text: str) -> int | None:
    return int(text) if text.lstrip("-").isdigit() else None


@cache
def parameters(version: str) -> dict[str, Parameter]:
    """Parameters of a version ("3.10") by name, without those of the operator's transports."""
    found = {name: Parameter(name, "str", None, None, ("all",), "(the host)") for name in _BUILT_IN}
    for line in TABLE.read_text().split("\n"):
        if not line or line.startswith("#"):
            continue
        name, kind, low, high, programs, versions, default = line.split("\t")
        if version in versions.split(","):
            found[name] = Parameter(
                name, kind, _number(low), _number(high), tuple(programs.split(",")), default
            )
    return found


def parameter(name: str, version: str) -> Parameter | None:
    """A parameter of a version, those of transports included; None when there is none."""
    one = parameters(version).get(name)
    if one is not None:
        return one
    match = _OF_A_TRANSPORT.fullmatch(name)
    if match is None:
        return None
    general = parameters(version).get(f"default_{match[1]}")
    kind = _PER_TRANSPORT[match[1]]
    return Parameter(name, kind, None, None, ("qmgr",), general.default if general else "", True)


def since(name: str) -> str | None:
    """The oldest version in the table that has a parameter; None when none has."""
    return next((one for one in ALL_VERSIONS if name in parameters(one)), None)
