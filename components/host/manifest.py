"""The document that a bundle sends to the agent (docs/architecture.md, "The manifest")."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class File:
    """A text file; `restart` lists units that a change restarts instead of reloading them.

    `secret`: the agent keeps its lines out of everything it says. The mode is the caller's, and
    the bundle must be a secret one.
    """

    content: str
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"
    restart: tuple[str, ...] = ()
    secret: bool = False

    def entry(self) -> dict[str, Any]:
        """The file as the manifest has it."""
        entry: dict[str, Any] = {
            "content": self.content,
            "mode": self.mode,
            "owner": self.owner,
            "group": self.group,
        }
        if self.restart:
            entry["restart"] = list(self.restart)
        if self.secret:
            entry["secret"] = True
        return entry


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One component's desired state on one host."""

    bundle: str
    owner: str
    packages: list[str] = field(default_factory=list)
    debconf: list[str] = field(default_factory=list)
    groups: dict[str, list[str]] = field(default_factory=dict)
    directories: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    assemble: dict[str, dict[str, Any]] = field(default_factory=dict)
    build: list[dict[str, Any]] = field(default_factory=list)
    check: list[dict[str, Any]] = field(default_factory=list)
    units: dict[str, dict[str, Any]] = field(default_factory=dict)
    run: list[dict[str, Any]] = field(default_factory=list)
    undo: list[dict[str, Any]] = field(default_factory=list)
    compare: list[dict[str, Any]] = field(default_factory=list)
    probe: list[dict[str, Any]] = field(default_factory=list)

    @property
    def secret(self) -> bool:
        """Whether a file or the input of a command is secret."""
        return any(file.secret for file in self.files.values()) or any(
            step.get("secret", False) for step in (*self.run, *self.undo)
        )

    def text(self) -> str:
        """JSON with sorted keys, so that equal manifests are equal texts."""
        document = {name: value for name, value in vars(self).items() if value}
        document["files"] = {path: file.entry() for path, file in self.files.items()}
        return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
