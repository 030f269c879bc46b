"""Postfix' queue: how many messages, how old, and for which destinations (postqueue(1), -j).

And queue files that Postfix's user does not own, of which one is enough to stop all mail.
"""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from .metrics import Metrics

SPOOL = Path("/var/spool/postfix")

QUEUES = ("active", "deferred", "hold", "incoming", "maildrop")
# A queue for many thousand domains must not make as many series.
DESTINATIONS = 20
FOREIGN = 5
"""Queue files of another owner that are named; a restored spool may have thousands."""
# Where qmgr(8) and pickup(8) take messages from; maildrop(5) has the files of all users.
_OF_QMGR = ("incoming", "active", "deferred", "hold")


def collect(metrics: Metrics) -> None:
    """Ask postqueue. Raises subprocess.CalledProcessError when Postfix cannot say."""
    # First: postqueue(1) may have no answer because of such a file.
    name_foreign(metrics, foreign(SPOOL, pwd.getpwnam("postfix").pw_uid))
    done = subprocess.run(["postqueue", "-j"], stdout=subprocess.PIPE, check=True, timeout=60)
    messages, unreadable = read(done.stdout)
    metrics.add("mx_queue_unreadable_messages", "Messages left out.", unreadable)
    measure(metrics, messages, time.time())


def read(printed: bytes) -> tuple[list[dict[str, object]], int]:
    """The messages that postqueue printed, and how many could not be read.

    A line ends at a newline byte and nowhere else: addresses of strangers have other separators.
    """
    messages, unreadable = [], 0
    for line in filter(None, printed.split(b"\n")):
        try:
            message = json.loads(line)
            float(message["arrival_time"])
            messages.append({"queue_name": str(message["queue_name"]), **message})
        except (ValueError, KeyError, TypeError):
            unreadable += 1
    return messages, unreadable


def measure(metrics: Metrics, messages: Iterable[dict[str, object]], now: float) -> None:
    """Turn messages as postqueue prints them into numbers; domains are kept, addresses not."""
    ages: dict[str, list[float]] = {queue: [] for queue in QUEUES}
    waiting: dict[str, list[float]] = {}
    for message in messages:
        age = max(0.0, now - float(str(message["arrival_time"])))
        ages.setdefault(str(message["queue_name"]), []).append(age)
        if message["queue_name"] == "deferred":
            recipients = message.get("recipients")
            for domain in _domains(recipients if isinstance(recipients, list) else []):
                waiting.setdefault(domain, []).append(age)
    for queue, found in ages.items():
        metrics.add("mx_queue_messages", "Messages in a queue.", len(found), queue=queue)
        oldest = max(found, default=0.0)
        metrics.add("mx_queue_oldest_seconds", "Age of the oldest message.", oldest, queue=queue)
    most = sorted(waiting, key=lambda domain: (-len(waiting[domain]), domain))[:DESTINATIONS]
    for domain in most:
        count, oldest = len(waiting[domain]), max(waiting[domain])
        metrics.add(
            "mx_queue_destination_messages", "Deferred messages.", count, destination=domain
        )
        metrics.add(
            "mx_queue_destination_oldest_seconds",
            "Age of the oldest deferred message.",
            oldest,
            destination=domain,
        )


def foreign(spool: Path, owner: int) -> Iterator[str]:
    """Queue files that `owner` does not own, below the directories of qmgr(8)."""
    for queue in _OF_QMGR:
        # Links are not followed: the directories belong to the user of Postfix.
        for folder, _, names in os.walk(spool / queue):
            for name in names:
                path = Path(folder, name)
                try:
                    if path.lstat().st_uid != owner:
                        yield str(path.relative_to(spool))
                except FileNotFoundError:
                    continue  # delivered meanwhile


def name_foreign(metrics: Metrics, found: Iterable[str]) -> None:
    """Give each of the first ones; 0 without a name when there is none."""
    for path in list(islice(found, FOREIGN)) or [""]:
        metrics.add(
            "mx_queue_foreign_file",
            "A queue file that does not belong to the user postfix.",
            path != "",
            file=path,
        )


def _domains(recipients: list[dict[str, str]]) -> set[str]:
    return {each["address"].rpartition("@")[2].lower() for each in recipients}
