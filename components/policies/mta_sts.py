"""MTA-STS (RFC 8461): the record, the policy, and which hosts a policy allows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from components.policies import tags

VERSION = "STSv1"
MODES = ("enforce", "testing", "none")
_MAXIMUM_AGE = 31557600


@dataclass(frozen=True)
class Policy:
    """The values of a policy file; `max_age` in seconds, -1 when it is not a number."""

    mode: str
    max_age: int
    mx: tuple[str, ...]


def record_faults(text: str) -> list[str]:
    """What makes senders ignore the record `_mta-sts` (section 3.1)."""
    found, wrong = tags.faults(text, VERSION)
    if found and not re.fullmatch(r"[A-Za-z0-9]{1,32}", found.get("id", "")):
        wrong.append("id= is not 1 to 32 letters and digits")
    return wrong


def parse(text: str) -> tuple[Policy, list[str]]:
    """The policy and what is wrong with it (section 3.2)."""
    values: dict[str, list[str]] = {}
    wrong = []
    for line in re.split(r"\r?\n", text):
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        if not colon:
            wrong.append(f"the line {line!r} is not of the form name: value")
        values.setdefault(name.strip(), []).append(value.strip())
    if values.get("version") != [VERSION]:
        wrong.append(f"version is not {VERSION}")
    mode = values.get("mode", [""])[0]
    if mode not in MODES:
        wrong.append(f"mode {mode!r}: must be one of {', '.join(MODES)}")
    age = values.get("max_age", [""])[0]
    if not re.fullmatch(r"[0-9]{1,10}", age) or int(age) > _MAXIMUM_AGE:
        wrong.append(f"max_age {age!r} is not a number of seconds up to {_MAXIMUM_AGE}")
    hosts = tuple(host.lower().rstrip(".") for host in values.get("mx", []))
    if not hosts and mode in ("enforce", "testing"):
        wrong.append("it names no mx")
    return Policy(mode, int(age) if age.isdigit() else -1, hosts), wrong


def allows(policy: Policy, host: str) -> bool:
    """Whether an mx line names the host; `*.` stands for one label (section 4.1)."""
    rest = host.partition(".")[2]
    return any(
        pattern == host or (pattern.startswith("*.") and pattern[2:] == rest)
        for pattern in policy.mx
    )
