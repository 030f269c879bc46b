"""What the rules read, and what they report."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from components.audit.lookup import Table, table
from components.postconf import lists
from components.postconf.expand import Budget, ExpansionError, expand, level
from components.postconf.parameters import parameter
from components.postconf.restrictions import LISTS
from components.postconf.syntax import Broken, Entry, parse, references, words

Kind = Literal["syntax", "unknown", "misspelled", "obsolete", "dangerous", "contradictory"]
Severity = Literal["critical", "high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")
"""Critical: an open relay, or mail that stops or is lost. High: harm to others or to some mail.
Medium: a setting that does not do what it says. Low: what will be removed, and tidiness."""

_BY_KIND: dict[str, Severity] = {
    "syntax": "critical",
    "unknown": "medium",
    "misspelled": "medium",
    "obsolete": "low",
    "dangerous": "high",
    "contradictory": "medium",
}
# Defaults that depend on the host, as words that no rule takes for a domain or a network.
_STEPS_OF_A_FILE, _LENGTH_OF_A_FILE = 60_000, 2_000_000
UNKNOWN_HOST = "host.of.this.file.invalid"
_OF_THE_HOST = {
    "myhostname": UNKNOWN_HOST,
    "mynetworks": "127.0.0.0/8",
    "config_directory": "/etc/postfix",
    "service_name": "smtpd",
    "process_name": "smtpd",
}


@dataclass(frozen=True)
class Finding:
    """One fault; `line` is 0 when it is about what the file does not say."""

    line: int
    parameter: str
    kind: Kind
    reason: str
    remedy: str
    severity: Severity = "medium"
    file: str = "main.cf"
    replacement: str | None = None
    """The value that mends it; "" removes the parameter; None when a person has to choose."""

    @property
    def order(self) -> tuple[int, str, int, str, str]:
        """Most dangerous first, then by file and line."""
        rank = SEVERITIES.index(self.severity)
        return rank, self.file, self.line, self.parameter, self.reason


@dataclass
class MainCf:
    """A main.cf: its entries, and for each parameter the one that Postfix uses (the last).

    `overrides` are the `-o` of one service of master.cf, `files` the text tables at hand by path,
    `elsewhere` the names that master.cf and tables refer to, so that no rule calls them unknown.
    """

    text: str | bytes
    version: str | None = None
    """Of Postfix, "3.4" to "3.11"; None when it is not known."""
    overrides: Mapping[str, Entry] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    elsewhere: frozenset[str] = frozenset()
    port_25: Mapping[str, Entry] = field(default_factory=dict)
    """The `-o` of the service on port 25, which the rules about strangers look at."""

    def __post_init__(self) -> None:
        self.entries: list[Entry]
        self.broken: list[Broken]
        self.entries, self.broken = parse(self.text)
        self.used = {entry.name: entry for entry in self.entries}
        self._values: dict[str, str] = {}
        self._steps: dict[str, list[lists.Step]] = {}
        self._budget = Budget(_STEPS_OF_A_FILE, _LENGTH_OF_A_FILE)

    def of_service(self, overrides: Mapping[str, Entry]) -> MainCf:
        """The same file as one service of master.cf sees it; nothing is read again."""
        other = copy.copy(self)
        other.overrides = overrides
        other._values, other._steps = {}, {}
        other.__dict__.pop("classes", None)
        return other

    def __contains__(self, name: str) -> bool:
        return name in self.used or name in self.overrides

    @cached_property
    def asked(self) -> tuple[str, ...]:
        """The versions that the file may be read by."""
        return ("3.10", "3.7") if self.version is None else (self.version,)

    def raw(self, name: str) -> str | None:
        """The text that stands for a parameter: master.cf's, main.cf's, the default; else None."""
        if name in self.overrides:
            return self.overrides[name].value
        if name in self.used:
            return self.used[name].value
        if name == "mydomain":
            _, dot, rest = self.value("myhostname").partition(".")
            return rest if dot else "localdomain"
        if name in _OF_THE_HOST:
            return _OF_THE_HOST[name]
        one = parameter(name, self.asked[0])
        return None if one is None or one.default == "(the host)" else one.default

    def value(self, name: str, default: str = "") -> str:
        """The value as Postfix has it, defaults included; `default` where nothing is known.

        A value at which Postfix stops is returned as written: a rule of its own reports it.
        """
        if name not in self._values:
            raw = self.raw(name)
            if raw is None:
                return default
            one = parameter(name, self.asked[0])
            try:
                expanded = raw if one and one.kind == "raw" else expand(raw, self.raw, self._budget)
            except ExpansionError:
                expanded = raw
            self._values[name] = expanded
        return self._values[name]

    def stops(self, entry: Entry) -> str | None:
        """Why the value of an entry cannot be expanded; None when it can."""
        one = parameter(entry.name, self.asked[0])
        if one is not None and one.kind == "raw":
            return None
        try:
            expand(entry.value, self.raw, self._budget)
        except ExpansionError as error:
            return str(error)
        return None

    @cached_property
    def has_level(self) -> bool:
        """Tell whether compatibility_level is one; else no program of Postfix starts."""
        try:
            level(self.value("compatibility_level"))
        except ExpansionError:
            return False
        return True

    def own(self, name: str) -> str:
        """The value where the file sets the parameter; "" where it does not."""
        return self.value(name) if name in self else ""

    def words(self, name: str) -> list[str]:
        """The value as a list (blanks and commas part its items); [] when it is not set here."""
        return words(self.own(name))

    def line(self, name: str) -> int:
        """Where the parameter is set; 0 when it is not."""
        return self.used[name].line if name in self.used else 0

    def is_on(self, name: str) -> bool:
        """Tell whether a yes/no parameter is yes."""
        return self.value(name).lower() == "yes"

    def finding(
        self,
        name: str,
        kind: Kind,
        reason: str,
        remedy: str,
        severity: Severity | None = None,
        replacement: str | None = None,
    ) -> Finding:
        """A finding at the line of a parameter, or at the line of master.cf that overrides it."""
        entry = self.overrides.get(name)
        line, file = (entry.line, "master.cf") if entry else (self.line(name), "main.cf")
        if entry is not None:
            replacement = None
        chosen = severity or _BY_KIND[kind]
        return Finding(line, name, kind, reason, remedy, chosen, file, replacement)

    @cached_property
    def refers(self) -> frozenset[str]:
        """Every name that a value of the file refers to."""
        return frozenset().union(*(references(one.value) for one in self.entries))

    @cached_property
    def classes(self) -> dict[str, str]:
        """The operator's restriction classes, with what each stands for."""
        return {name: self.value(name) for name in words(self.value("smtpd_restriction_classes"))}

    def steps(self, name: str) -> list[lists.Step]:
        """The restrictions of a list in order, defaults included."""
        if name not in self._steps:
            self._steps[name] = list(lists.steps(name, self.value(name), self.classes))
        return self._steps[name]

    def restrictions(self) -> Iterable[tuple[str, lists.Step]]:
        """Every restriction of every list that the file sets, classes included."""
        for name in (*LISTS, *self.classes):
            if name in self:
                for step in self.steps(name):
                    yield name, step

    def table(self, word: str) -> Table:
        """What is known of a table, "type:name"."""
        return table(word, self.files)

    def older_than(self, version: str) -> bool:
        """Tell whether the file may be read by a Postfix older than `version`, "3.9"."""
        return any(_key(one) < _key(version) for one in self.asked)

    def at_least(self, version: str) -> bool:
        """Tell whether the file may be read by `version` or a newer one."""
        return any(_key(one) >= _key(version) for one in self.asked)


def _key(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
