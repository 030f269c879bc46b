"""What became of each message, by every stored file and every report; no code of the product."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_binary_file, policy
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from .sender import Message

_BY = re.compile(r"\bby ([-.\w]+) \(Postfix\) with \w+ id (\w+)")
MAILBOX = "mailbox1.example.test"
CRASHES = ("power cut", "SIGKILL", "Postfix", "postfix stopped", "queue's disk", "agent", "up")


@dataclass(frozen=True)
class Copy:
    """One stored message. `ids`: server to its queue id; `stored`: seconds since the epoch."""

    serial: int
    maildir: str
    whole: bool
    filtered: bool
    ids: dict[str, str]
    stored: float


@dataclass(frozen=True)
class Event:
    """A fault that was made. `where`: a host, `world` or `up`. Times are of time.time()."""

    name: str
    where: str
    begin: float
    end: float


@dataclass
class Verdict:
    """Serials by what became of them, for the table."""

    lost: list[str]
    bounced: list[str]
    damaged: list[str]
    unfiltered: list[str]
    doubled: list[tuple[str, str]]
    without_reason: list[str]
    copies: int
    longest_delay: float


def copies(maildirs: Path, run: str) -> list[Copy]:
    """All stored copies of this run's messages."""
    found = []
    for path in maildirs.glob("*/*/new/*"):
        with path.open("rb") as file:
            if f"\nX-Chaos: {run} ".encode() not in file.read(8000):
                continue
            file.seek(0)
            message = message_from_binary_file(file, policy=policy.compat32)
        _, serial, digest = str(message["X-Chaos"]).split()
        body = path.read_bytes().partition(b"\n\n")[2].replace(b"\n", b"\r\n")
        traces = (
            _BY.search(" ".join(str(each).split())) for each in message.get_all("Received", [])
        )
        found.append(
            Copy(
                int(serial),
                f"{path.parts[-4]}/{path.parts[-3]}",
                sha256(body).hexdigest() == digest,
                "X-Spamd-Result" in message,
                {match[1]: match[2] for match in traces if match},
                path.stat().st_mtime,
            )
        )
    return found


def reports(maildirs: Path, run: str) -> list[tuple[int, str]]:
    """Serials that a report says were not delivered, with its first words."""
    found = []
    for path in maildirs.glob(f"sender.test/alice+{run}-*/new/*"):
        text = path.read_text(errors="replace")
        if re.search(r"(?im)^Action: failed", text):
            why = re.search(r"(?im)^Diagnostic-Code: (.*)", text)
            found.append((int(path.parts[-3].rpartition("-")[2]), why[1] if why else "no code"))
    return found


def judge(
    messages: Iterable[Message],
    stored: Iterable[Copy],
    bounced: Iterable[tuple[int, str]],
    events: list[Event],
    logs: dict[str, str],
) -> Verdict:
    """Compare what was accepted with what is stored. `logs`: host to its mail log."""
    place: dict[tuple[int, str], list[Copy]] = defaultdict(list)
    stored = list(stored)
    for each in stored:
        place[each.serial, each.maildir].append(each)
    verdict = Verdict(
        [], [f"{serial}: {why}" for serial, why in bounced], [], [], [], [], len(stored), 0.0
    )
    reported = {serial for serial, _ in bounced}
    whole = {(each.maildir, each.ids.get(MAILBOX)) for each in stored if each.whole}
    for each in stored:
        # Where its server is ended in a delivery, the mailbox host stores the begin, then all.
        if not each.whole and (each.maildir, each.ids.get(MAILBOX)) not in whole:
            verdict.damaged.append(f"{each.serial} in {each.maildir}")
        if not each.filtered:
            verdict.unfiltered.append(f"{each.serial} in {each.maildir}")
    for message in messages:
        for maildir in message.target.copies:
            there = sorted(place[message.serial, maildir], key=lambda each: each.stored)
            if not there:
                if message.accepted and message.serial not in reported:
                    verdict.lost.append(f"{message.serial} to {maildir}")
                continue
            verdict.longest_delay = max(verdict.longest_delay, there[0].stored - message.begun)
            # Each try without a final reply explains one more copy.
            uncertain = sum(attempt.outcome == "uncertain" for attempt in message.tries)
            for first, second in pairwise(there):
                reason = _reason(first, second, events, logs)
                if reason is None and uncertain:
                    uncertain -= 1
                    reason = "the sender had no final reply and came again"
                if reason:
                    verdict.doubled.append((f"{message.serial} to {maildir}", reason))
                else:
                    verdict.without_reason.append(
                        f"{message.serial} to {maildir}: {first.ids} {second.ids}"
                    )
    return verdict


def _reason(first: Copy, second: Copy, events: list[Event], logs: dict[str, str]) -> str | None:
    """Why SMTP allows the second delivery of one message in a queue; None for two such messages.

    A message may have been in the queues of both MX hosts: the mailbox host's name leads to one.
    """
    if first.ids.get(MAILBOX) == second.ids.get(MAILBOX):
        return "the mailbox host stored one delivery twice: its server was ended meanwhile"
    queues = {pair for pair in first.ids.items() & second.ids.items() if pair[0].startswith("mx")}
    if not queues:
        return None
    for host, id_ in sorted(queues):
        name = host.partition(".")[0]
        lines = [line for line in logs.get(name, "").splitlines() if f" {id_}: " in f" {line}"]
        if any("end of data" in line and "status=deferred" in line for line in lines):
            return "the MX host had no final reply from the next host and came again"
        for event in events:
            near = event.begin - 2 <= second.stored and event.end + 2 >= first.stored
            if near and event.where in (name, "up") and any(each in event.name for each in CRASHES):
                return "the MX host's processes were ended between delivery and the note of it"
    return ""
