"""What one host answered when it was asked for its drift and its renewals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Seen:
    """What one host answered; `read` is False when nothing is known of it."""

    read: bool = False
    first: int = 0
    status: dict[str, Any] = field(default_factory=dict)
    renewals: dict[str, dict[str, str]] = field(default_factory=dict)
    """How the last attempt for each certificate went: `error`, `failingSince`."""

    @property
    def bare(self) -> bool:
        """The host answered, and has no agent."""
        return self.read and not self.status

    @property
    def ignored(self) -> list[str]:
        """Inputs that stay as the state has them."""
        return [] if self.read else ["create"]

    def argument(self, bundle: str) -> str:
        """The heal number as an argument of the agent's call."""
        number = self.number(bundle)
        return f" --heal {number}" if number else ""

    def number(self, bundle: str) -> int:
        """The number a bundle's call carries: with drift another one than the host has."""
        if not self.read:
            return 0
        applied = self.status.get("bundles", {}).get(bundle)
        if applied is None:
            # One that was removed there may have had the first number, as in the state.
            return self.first + bool(self.status)
        return int(applied.get("heal", 0)) + bool(applied["drift"])

    def line(self) -> str:
        """The line before the bootstrap that gives it its number, if there is one."""
        number = int(self.status.get("heal", 0)) if self.status else self.first
        return f"heal={number}\n" if self.read and number else ""
