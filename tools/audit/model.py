"""What the rules read, and what they report."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from components.postconf.syntax import Broken, Entry, parse

Kind = Literal["syntax", "unknown", "misspelled", "obsolete", "dangerous", "contradictory"]

RESTRICTIONS = (
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
    "smtpd_data_restrictions",
    "smtpd_end_of_data_restrictions",
    "smtpd_etrn_restrictions",
)


@dataclass(frozen=True, order=True)
class Finding:
    """One fault; `line` is 0 when it is about what the file does not say."""

    line: int
    parameter: str
    kind: Kind
    reason: str
    remedy: str


class MainCf:
    """A main.cf: its entries, and for each parameter the one that Postfix uses (the last)."""

    def __init__(self, text: str, version: str | None = None) -> None:
        self.entries: list[Entry]
        self.broken: list[Broken]
        self.entries, self.broken = parse(text)
        self.used = {entry.name: entry for entry in self.entries}
        self.version = version
        """Of Postfix, "3.7" or "3.10"; None when it is not known."""

    def __contains__(self, name: str) -> bool:
        return name in self.used

    def value(self, name: str, default: str = "") -> str:
        """The value with $name expanded where the file itself says what it is."""
        return self._expand(self.used[name].value, 0) if name in self.used else default

    def _expand(self, value: str, depth: int) -> str:
        def known(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            if name not in self.used or depth > 8:
                return match[0]
            return self._expand(self.used[name].value, depth + 1)

        return re.sub(r"\$(?:([A-Za-z0-9_]+)|\{([A-Za-z0-9_]+)\})", known, value)

    def words(self, name: str) -> list[str]:
        """The value as a list (blanks and commas part its items)."""
        return [word for word in re.split(r"[,\s]+", self.value(name)) if word]

    def line(self, name: str) -> int:
        """Where the parameter is set; 0 when it is not."""
        return self.used[name].line if name in self.used else 0

    def is_on(self, name: str, default: bool = False) -> bool:
        """Tell whether a yes/no parameter is yes."""
        return self.value(name, "yes" if default else "no").lower() == "yes"

    def finding(self, name: str, kind: Kind, reason: str, remedy: str) -> Finding:
        """A finding at the line of a parameter."""
        return Finding(self.line(name), name, kind, reason, remedy)

    def restrictions(self) -> Iterable[tuple[str, str, bool]]:
        """Every word of every restriction list, and whether warn_if_reject stands before it."""
        for name in RESTRICTIONS:
            words = self.words(name)
            for before, word in zip(["", *words], words, strict=False):
                yield name, word, before == "warn_if_reject"

    def older_than(self, version: str) -> bool:
        """Tell whether the file may be read by a Postfix older than `version`, "3.9" or the like.

        Of the two supported ones only 3.7 is older than what the rules ask for.
        """
        return self.version in (None, "3.7") and version != "3.7"

    def newer(self) -> bool:
        """Tell whether the file may be read by Postfix 3.8 or later."""
        return self.version != "3.7"
