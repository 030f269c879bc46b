"""Warnings of the program that a report shows in places of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

DRIFT = "drift"  # a host or record is otherwise than the stack applied it
REPLACES = "replaces"  # a file that is on a host already, and what stands there instead
DNS = "DNS"  # of a drift: records, where a host's key would be
AGENT = "agent"  # of a drift: the agent itself, where a bundle's name would be
GONE = "it is missing, so `mx up` sets the whole host up again"

_UNREAD = re.compile(r"drift of (\S+) was not read: (.*)", re.DOTALL)
_UNREAD_FILES = re.compile(r"what (\S+) has now was not read: (.*)", re.DOTALL)
_UNFIT = re.compile(r"host (\S+) cannot be set up: (.*)", re.DOTALL)
_HELD = re.compile(r"MX records of (\S+): (.*)", re.DOTALL)
_QUEUE = re.compile(r"queue of (\S+): (.*)", re.DOTALL)
_EDITED = re.compile(r"edited Postfix of (\S+): (.*)", re.DOTALL)
_WAITS = re.compile(r"updates of (\S+): the host waits for (.*)", re.DOTALL)
_NAMES = 5  # a warning names so many records
_ZONES = "zones: "
_UPDATES = "updates of "
_JUDGED = "audit: "


@dataclass(frozen=True)
class Warned:
    """One warning: `KIND: HOST: WHAT`, then its lines."""

    kind: str
    host: str
    what: str = ""
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The text that the engine prints."""
        what = f" {self.what}" if self.what else ""
        return "\n".join([f"{self.kind}: {self.host}:{what}", *self.lines])

    @property
    def bundle(self) -> str:
        """Of a drift: the bundle, or `AGENT`."""
        return self.what.partition(":")[0]

    @property
    def host_is_new(self) -> bool:
        """Tell whether a host lost its agent, and so all that was applied there."""
        return self.kind == DRIFT and self.what == f"{AGENT}: {GONE}"


def drift(host: str, bundle: str, words: str) -> str:
    """The warning that a bundle is otherwise on a host; `words` may have lines below the first."""
    first, *lines = words.split("\n")
    return str(Warned(DRIFT, host, f"{bundle}: {first}", tuple(lines)))


def records_drift(keys: Sequence[str]) -> str:
    """The warning that records are otherwise at the DNS API than the stack left them, by key."""
    names = ", ".join(keys[:_NAMES]) + (", ..." if len(keys) > _NAMES else "")
    them = "a record that" if len(keys) == 1 else f"{len(keys)} records that"
    what = f"{them} somebody changed at the DNS API ({names}); `--refresh` reads what is there now"
    return str(Warned(DRIFT, DNS, what))


def parse(text: str, kinds: Iterable[str] = (DRIFT, REPLACES)) -> Warned | None:
    """The warning that a text is; None when the text is no warning of these kinds."""
    first, *lines = text.split("\n")
    kind, colon, rest = first.partition(": ")
    host, found, what = rest.partition(":")
    if not colon or not found or kind not in kinds or not host:
        return None
    return Warned(kind, host, what.removeprefix(" "), tuple(lines))


def is_of_records(text: str) -> bool:
    """Tell whether a text is the warning of a drift of records."""
    warned = parse(text, [DRIFT])
    return warned is not None and warned.host == DNS


def not_read(host: str, why: str) -> str:
    """The warning that the drift of a host, or of the records (`DNS`), is not known."""
    return f"drift of {host} was not read: {why}"


def read_not_read(text: str) -> tuple[str, str] | None:
    """Host and reason of a text that `not_read` made."""
    match = _UNREAD.fullmatch(text)
    return (match[1], match[2]) if match else None


def files_not_read(host: str, why: str) -> str:
    """The warning that the files which an `up` replaces are not known."""
    return f"what {host} has now was not read: {why}"


def read_files_not_read(text: str) -> tuple[str, str] | None:
    """Host and reason of a text that `files_not_read` made."""
    match = _UNREAD_FILES.fullmatch(text)
    return (match[1], match[2]) if match else None


def unfit(host: str, why: str) -> str:
    """The warning that a host lacks what an MX host needs, so that nothing is done there."""
    return f"host {host} cannot be set up: {why}"


def read_unfit(text: str) -> tuple[str, str] | None:
    """Host and reason of a text that `unfit` made."""
    match = _UNFIT.fullmatch(text)
    return (match[1], match[2]) if match else None


def held(host: str, why: str) -> str:
    """The warning of what keeps new MX records of a host back, or harms its reputation."""
    return f"MX records of {host}: {why}"


def read_held(text: str) -> tuple[str, str] | None:
    """Host and reason of a text that `held` made."""
    match = _HELD.fullmatch(text)
    return (match[1], match[2]) if match else None


def held_queue(host: str, words: str) -> str:
    """The warning of mail that is queued on a host that leaves, or for a domain that goes."""
    return f"queue of {host}: {words}"


def read_queue(text: str) -> tuple[str, str] | None:
    """Host and words of a text that `held_queue` made."""
    match = _QUEUE.fullmatch(text)
    return (match[1], match[2]) if match else None


def edited(host: str, words: str) -> str:
    """The warning of what is dangerous in files of Postfix that somebody edited on a host."""
    return f"edited Postfix of {host}: {words}"


def read_edited(text: str) -> tuple[str, str] | None:
    """Host and words of a text that `edited` made."""
    match = _EDITED.fullmatch(text)
    return (match[1], match[2]) if match else None


def updates(host: str, words: str) -> str:
    """The warning of updates that a host has not installed, or not taken into use."""
    return f"{_UPDATES}{host}: the host waits for {words}"


def is_of_updates(text: str) -> bool:
    """Tell whether a text is the warning of updates, of one host or of several."""
    return text.startswith(_UPDATES)


def together(texts: Iterable[str]) -> list[str]:
    """Warnings as they are, but hosts that wait for the same updates share one."""
    hosts: dict[str, list[str]] = {}
    for text in texts:
        match = _WAITS.fullmatch(text)
        hosts.setdefault(match[2] if match else text, []).extend([match[1]] if match else [])
    return [_shared(words, names) for words, names in hosts.items()]


def _shared(words: str, names: Sequence[str]) -> str:
    if not names:
        return words
    if len(names) == 1:
        return updates(names[0], words)
    return f"{_UPDATES}{', '.join(names[:-1])} and {names[-1]}: each host waits for {words}"


def zones(words: str) -> str:
    """The warning of what others have in a zone beside the stack's records."""
    return f"{_ZONES}{words}"


def read_zones(text: str) -> str | None:
    """The words of a text that `zones` made."""
    return text.removeprefix(_ZONES) if text.startswith(_ZONES) else None


def judged(words: str) -> str:
    """The warning of what the audit says of the planned Postfix."""
    return f"{_JUDGED}{words}"


def read_judged(text: str) -> str | None:
    """The words of a text that `judged` made."""
    return text.removeprefix(_JUDGED) if text.startswith(_JUDGED) else None
