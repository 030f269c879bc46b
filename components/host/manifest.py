"""The document that a bundle sends to the agent (docs/architecture.md, "The manifest").

The field names are the keys of the document: the agent's parser (components/agent) refuses any
other. tests/unit/host/test_manifests.py feeds every manifest of every example stack to that parser.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


class _Entry:
    """A part of the document. Fields that hold their default are left out of it."""

    # These stand in the document whatever they hold.
    ALWAYS: ClassVar[tuple[str, ...]] = ()

    def entry(self) -> dict[str, Any]:
        """The part as the document has it."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
            if name in self.ALWAYS or value not in (None, False, "", ())
        }


@dataclass(frozen=True)
class File(_Entry):
    """A text file in UTF-8; `restart` lists units that a change restarts instead of reloading them.

    `secret`: the agent keeps its lines out of everything it prints. The mode is the caller's, and
    the bundle must be a secret one.
    """

    ALWAYS: ClassVar[tuple[str, ...]] = ("content",)

    content: str
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"
    restart: tuple[str, ...] = ()
    secret: bool = False


@dataclass(frozen=True)
class Directory(_Entry):
    """A directory that is made when it is missing; None leaves the agent's default, root.

    `exclusive`: a file in it that no bundle owns is drift. `apply` takes such a file away and keeps
    it, `remove` brings it back.
    """

    mode: str = "0755"
    owner: str | None = None
    group: str | None = None
    exclusive: bool = False


# A directory whose owner a host's administrator may have changed: the agent sets it back.
OWNED = Directory(owner="root", group="root")
EXCLUSIVE = Directory(owner="root", group="root", exclusive=True)


@dataclass(frozen=True)
class Assemble(_Entry):
    """A file that is the concatenation of `directory`/*.cf in the order of their names."""

    directory: str
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"


@dataclass(frozen=True)
class Build(_Entry):
    """A command on the staged files; `makes` are the paths of the files that it derives."""

    run: Sequence[str]
    makes: Sequence[str]


@dataclass(frozen=True)
class Check(_Entry):
    """A command on the staged files that must succeed before anything is swapped.

    `fail_on_stderr`: a word on standard error fails it too. `fail_on_output`: a regular expression
    that its output must not match.
    """

    run: Sequence[str]
    fail_on_stderr: bool = False
    fail_on_output: str | None = None


@dataclass(frozen=True)
class Unit(_Entry):
    """A systemd unit that is enabled and runs.

    A change of the text `restart_when` restarts the unit; other changes reload it where it can.
    """

    restart_when: str = ""


@dataclass(frozen=True)
class Step(_Entry):
    """A command that the agent runs on the host: after the swap (`run`) or at the end (`undo`).

    `creates`: the command is left out where this path exists. `timeout` in seconds, 180 by default.
    `unlocked`: the command waits for somebody else. On a host that does not have the bundle yet,
    the command and those after it run last, while other bundles are applied.
    """

    run: Sequence[str]
    stdin: str = ""
    creates: str | None = None
    timeout: int | None = None
    secret: bool = False
    unlocked: bool = False


@dataclass(frozen=True)
class Comparison(_Entry):
    """A command that fails when what `name` describes differs from what was applied: drift."""

    name: str
    run: Sequence[str]
    timeout: int | None = None


@dataclass(frozen=True)
class UnitProbe(_Entry):
    """The unit is active. `timeout` in seconds, 30 by default, as in all probes."""

    unit: str
    timeout: int | None = None


@dataclass(frozen=True)
class TcpProbe(_Entry):
    """Something listens at `tcp` (host:port) and begins with the text `expect`."""

    tcp: str
    expect: str = ""
    timeout: int | None = None


@dataclass(frozen=True)
class RunProbe(_Entry):
    """The command succeeds.

    `before`: it is asked before the change as well; where it failed then, it only warns after it.
    """

    run: Sequence[str]
    timeout: int | None = None
    before: bool = False


Probe = UnitProbe | TcpProbe | RunProbe


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The desired state of one bundle on one host."""

    bundle: str
    owner: str
    packages: Sequence[str] = ()
    debconf: Sequence[str] = ()
    held: Sequence[str] = ()
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    directories: Mapping[str, Directory] = field(default_factory=dict)
    files: Mapping[str, File] = field(default_factory=dict)
    assemble: Mapping[str, Assemble] = field(default_factory=dict)
    build: Sequence[Build] = ()
    check: Sequence[Check] = ()
    units: Mapping[str, Unit] = field(default_factory=dict)
    run: Sequence[Step] = ()
    undo: Sequence[Step] = ()
    compare: Sequence[Comparison] = ()
    probe: Sequence[Probe] = ()
    newest: Mapping[str, str] = field(default_factory=dict)

    @property
    def secret(self) -> bool:
        """Whether a file or the input of a command is secret."""
        steps = (*self.run, *self.undo)
        return any(file.secret for file in self.files.values()) or any(
            step.secret for step in steps
        )

    def document(self) -> dict[str, Any]:
        """The manifest as the agent's parser takes it; sections without content are left out."""
        sections = {name: _plain(value) for name, value in vars(self).items() if value}
        return sections | {"files": _plain(self.files)}

    def text(self) -> str:
        """JSON with sorted keys, so that equal manifests are equal texts."""
        return json.dumps(self.document(), indent=2, sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, _Entry):
        return value.entry()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, str):
        return value
    return [_plain(each) for each in value]
