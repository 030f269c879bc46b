"""What crosses between the agent and its staging process: a plan there, what came of it back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from .files import Want
from .process import Json
from .record import typed


@dataclass(frozen=True)
class Plan:
    """The files of a change before they are checked."""

    directories: Json
    writes: dict[str, Want]
    assemble: Json
    build: list[Json]
    check: list[Json]

    @staticmethod
    def read(text: str) -> Plan:
        """Read what `text` made."""
        value = json.loads(text)
        writes = {path: Want.from_json(want) for path, want in value["writes"].items()}
        return typed(Plan, {**value, "writes": writes})

    def text(self) -> str:
        """The plan for the staging process."""
        writes = {path: want.to_json() for path, want in self.writes.items()}
        return json.dumps({**self.__dict__, "writes": writes})


@dataclass
class Staged:
    """Files that staging assembled and made, or the words of its failure."""

    assembled: dict[str, Want] = field(default_factory=dict)
    made: dict[str, Want] = field(default_factory=dict)
    failure: str = ""

    @staticmethod
    def read(text: str) -> Staged:
        """Read what `text` made."""
        value = json.loads(text)
        parts = {
            key: {path: Want.from_json(want) for path, want in value[key].items()}
            for key in ("assembled", "made")
        }
        return Staged(**parts, failure=value["failure"])

    def text(self) -> str:
        """The answer to the agent."""
        parts = {
            key: {path: want.to_json() for path, want in getattr(self, key).items()}
            for key in ("assembled", "made")
        }
        return json.dumps({**parts, "failure": self.failure})
