"""What the engine's state holds of each command: what it applied last, and under which number.

The engine compares settings with its state, never with a host. A host that came back from a
snapshot has a record of its own that agrees with its disk, so only the state can tell that the
host is behind.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from components.engine import early
from components.host import agent
from components.protocol import calls

_STACK = "pulumi:pulumi:Stack"
_COMMAND, _COPY = "command:remote:Command", "command:remote:CopyToRemote"


@dataclass(frozen=True)
class Held:
    """One command in the state.

    `number`: what its call carries. `digest`: the SHA-256 of its stdin in hex. `tail`: the end of
    the call, where the number is. `bundle`: what the manifest in its stdin is called, if it is one;
    `text`: that manifest.
    """

    number: int = 0
    digest: str = ""
    tail: str = ""
    bundle: str = ""
    text: str = field(default="", repr=False)


@cache
def resources() -> dict[str, dict[str, Any]]:
    """The running stack's state, read once a run: URN to `type` and `outputs`.

    Raises Exception with the engine's words when the state cannot be read.
    """
    return early.state()


def outputs() -> dict[str, Any]:
    """The outputs of the last `up` of the running stack; empty before the first one.

    Raises Exception with the engine's words when the state cannot be read.
    """
    for resource in resources().values():
        if resource["type"] == _STACK:
            found: dict[str, Any] = resource["outputs"]
            return found
    return {}


def read_state() -> dict[str, Held]:
    """The commands of the running stack's state by name, as in "mx1-postfix".

    Raises Exception with the engine's words when the state cannot be read.
    """
    return commands(resources())


def commands(resources: dict[str, dict[str, Any]]) -> dict[str, Held]:
    """The commands among the resources of a state: URN to `type` and `outputs`."""
    found = {}
    for urn, resource in resources.items():
        outputs, name = resource["outputs"], urn.rpartition("::")[2]
        if resource["type"] == _COMMAND:
            call = outputs.get("create") or ""
            text = outputs.get("stdin") or ""
            bundle = bundle_of(text)
            known = digest(text) if calls.host_of_agent(name) is None else agent.digest(text)
            found[name] = Held(
                calls.number_of(call),
                known,
                calls.number_text(call),
                bundle,
                text if bundle else "",
            )
        elif resource["type"] == _COPY:
            found[name] = Held(int((outputs.get("triggers") or [0])[-1]))
    return found


def bundle_of(text: str) -> str:
    """The bundle that a manifest is of; empty when the text is no manifest."""
    try:
        manifest = json.loads(text)
    except ValueError:
        return ""
    return str(manifest.get("bundle", "")) if isinstance(manifest, dict) else ""


def digest(text: str) -> str:
    """SHA-256 of a text in hex, as the agent notes it of a manifest."""
    return hashlib.sha256(text.encode()).hexdigest()
