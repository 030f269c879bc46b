"""How a resource of the engine calls the agent, and how its name tells the host.

A call carries a number. The number says nothing to the agent: a higher one makes the call another
one than the engine's state has, so that a host which differs from the state is applied anew.
"""

from __future__ import annotations

import re

AGENT_PATH = "/usr/local/sbin/mx-agent"
SIGNING = "dnssec-"  # before the zone: the resource that has Cloudflare sign the zone
LOST = "MX_LOST_HOST"  # the variable with the host that `mx forget` forgets: nobody asks it
QUEUES = "queues"  # the resource whose deletion asks every host for queued mail
AGENT = "agent"  # what the agent's own resource is called after its host: mx1-agent

# An argument, a comment after a call that takes none, or the first line of the bootstrap.
_NUMBER = re.compile(r"(?: --heal \d+)?(?: # machine \d+)?\Z|\Aheal=\d+\n")


def agent_resource(host: str) -> str:
    """The name of the resource that is the agent of a host."""
    return f"{host}-{AGENT}"


def host_of_agent(name: str) -> str | None:
    """The host whose agent a resource is; None when the resource is something else."""
    host = name.removesuffix(f"-{AGENT}")
    return host if host and host != name else None


def as_argument(number: int) -> str:
    """The number as an argument of a call; empty when it is 0."""
    return f" --heal {number}" if number else ""


def as_comment(number: int) -> str:
    """The number as a comment after a call that takes no argument."""
    return f" # machine {number}"


def as_first_line(number: int) -> str:
    """The number as the first line of the bootstrap; empty when it is 0."""
    return f"heal={number}\n" if number else ""


def number_text(call: str) -> str:
    """The part of a call that carries its number; empty when there is none."""
    return next((match[0] for match in _NUMBER.finditer(call) if match[0]), "")


def number_of(call: str) -> int:
    """The number that a call carries; 0 without one."""
    return max(map(int, re.findall(r"\d+", number_text(call))), default=0)


def without_number(call: str) -> str:
    """The call without its number."""
    return _NUMBER.sub("", call)
