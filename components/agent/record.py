"""What a bundle left on the host, as the file bundles/NAME.json of the agent's state keeps it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, cast

from .files import Want, digest
from .process import Failure, Json

# Stands in every record and journal. 1: an agent before 1.6, which wrote no number.
FORMAT = 2

Typed = TypeVar("Typed")


def typed(kind: type[Typed], value: Json) -> Typed:
    """Make a dataclass of a JSON object; what its kind does not know of is left out."""
    known = {each.name for each in fields(cast(Any, kind))}
    return kind(**{key: each for key, each in value.items() if key in known})


def read_state(path: Path) -> Json:
    """Read a record or a journal; raises Failure when a newer agent wrote that file."""
    value = cast(Json, json.loads(path.read_text()))
    written = value.get("format", 1)
    if written > FORMAT:
        raise Failure(
            f"{path}: a newer mx-agent wrote this file (format {written}; this agent reads up to "
            f"format {FORMAT}). Apply the stack with the newer program; nothing has been changed"
        )
    return value


@dataclass(frozen=True)
class Mark:
    """What a record keeps of a path: digests and attributes, never content."""

    sha: str  # SHA-256 in hex
    link: str | None
    mode: int
    ids: list[int]  # user, group
    restart: list[str] = field(default_factory=list)  # units that restart when the path changes

    @staticmethod
    def of(want: Want, restart: list[str] | None = None) -> Mark:
        """The mark of what is at a path."""
        ids = [want.uid, want.gid]
        return Mark(digest(want.data), want.link, want.mode, ids, list(restart or []))


@dataclass
class Call:
    """What of the call itself a record keeps: the manifest as it was given."""

    text: str = ""  # empty when a secret is in the manifest
    given: str = ""  # SHA-256 of the manifest's bytes; empty before agent 1.4
    rolled_back: bool = False


@dataclass
class Record:
    """One bundle as it was applied last; the keys are those of the file."""

    bundle: str
    owner: str  # the stack that the host belongs to
    sha: str = ""  # SHA-256 of the parsed manifest; empty: not applied
    applied: str = ""  # RFC 3339, UTC
    text: str = ""
    given: str = ""
    rolled_back: bool = False
    previous: str = ""  # the manifest before this one; empty when there is no way back
    packages: list[str] = field(default_factory=list)
    newest: dict[str, str] = field(default_factory=dict)
    directories: Json = field(default_factory=dict)
    files: dict[str, Mark] = field(default_factory=dict)
    made: dict[str, Mark] = field(default_factory=dict)
    assemble: Json = field(default_factory=dict)
    strays: list[str] = field(default_factory=list)
    units: Json = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    undo: list[Json] = field(default_factory=list)
    compare: list[Json] = field(default_factory=list)
    creates: list[str] = field(default_factory=list)
    made_dirs: list[str] = field(default_factory=list)
    # Directory to its mode, user and group before the bundle.
    dir_originals: dict[str, list[int]] = field(default_factory=dict)
    format: int = FORMAT

    @staticmethod
    def of(value: Json) -> Record:
        """The record that a JSON object holds."""
        record = typed(Record, {**value, "format": FORMAT})
        record.files = {path: typed(Mark, mark) for path, mark in value["files"].items()}
        record.made = {path: typed(Mark, mark) for path, mark in value["made"].items()}
        return record

    def to_json(self) -> Json:
        """The JSON object of this record."""
        return asdict(self)

    def text_of_file(self) -> str:
        """What the record's file holds."""
        return json.dumps(self.to_json(), sort_keys=True, indent=1)

    @property
    def call(self) -> Call:
        """The call that applied the bundle."""
        return Call(self.text, self.given, self.rolled_back)

    @call.setter
    def call(self, call: Call) -> None:
        self.text, self.given, self.rolled_back = call.text, call.given, call.rolled_back

    @property
    def claims(self) -> set[str]:
        """The paths that the bundle owns."""
        return {*self.files, *self.made, *self.assemble}

    @property
    def directories_used(self) -> set[str]:
        """The directories that the bundle declares or has files in."""
        return {*self.directories, *(str(up) for path in self.claims for up in Path(path).parents)}

    @property
    def given_digest(self) -> str:
        """SHA-256 of the manifest as it was given; empty when an old agent kept no trace."""
        return self.given or (digest(self.text.encode()) if self.text else "")
