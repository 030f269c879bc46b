"""What one host answered when it was asked for its drift and its renewals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.host.held import Held
from components.protocol import calls


@dataclass(frozen=True)
class Seen:
    """What one host answered; `read` is False when nothing is known of it.

    `held`: the commands in the engine's state. `behind`: the bundles that are on the host
    otherwise than this stack applied them, and "agent" for the agent itself. `machine`: its
    machine ID (machine-id(5)).
    """

    read: bool = False
    status: dict[str, Any] = field(default_factory=dict)
    renewals: dict[str, dict[str, str]] = field(default_factory=dict)
    """How the last attempt for each certificate went: `error`, `failingSince`."""
    held: Mapping[str, Held] = field(default_factory=dict)
    behind: frozenset[str] = frozenset()
    machine: str = ""
    refused: str = ""
    """Why nothing may be done on the host before it is mended; empty when all is well."""

    @property
    def bare(self) -> bool:
        """The host answered, and has no agent."""
        return self.read and not self.status

    def lacks(self, bundle: str) -> bool:
        """The host answered, and does not have the bundle."""
        return self.read and bundle not in self.status.get("bundles", {})

    @property
    def ignored(self) -> list[str]:
        """Inputs that stay as the state has them."""
        return [] if self.read else ["create"]

    def number(self, name: str, bundle: str) -> int:
        """The number that a command carries for a bundle: that of the state, or the next one.

        The next one makes the command an update: `bundle` is behind. A new command has 0.
        """
        if not self.read or name not in self.held:
            return 0
        return self.held[name].number + (bundle in self.behind)

    def comment(self, name: str, bundle: str) -> str:
        """The number as a comment after a call that takes no argument; empty when it is 0."""
        held = self.held.get(name)
        if not self.read or held is None:
            return ""
        return calls.as_comment(held.number + 1) if bundle in self.behind else held.tail

    def argument(self, name: str, bundle: str) -> str:
        """The number as an argument of a call; empty when it is 0."""
        return calls.as_argument(self.number(name, bundle))
