"""A stream of real messages from the lab's sending Postfix to mx1 alone, and what became of it."""

from __future__ import annotations

import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from lab import container, postfix
from lab.topology import INTERNET, MAILBOX1, MX1, MX2, Host

from .conftest import ROOT, eventually

# No second MX takes what the first defers, and what was deferred comes again at once.
SENDER = {
    "transport_maps": f"inline:{{example.test=smtp:[{MX1.fqdn}]}}",
    "queue_run_delay": "1s",
    "minimal_backoff_time": "1s",
    "maximal_backoff_time": "2s",
}
LOOP = """
rm -f /run/stream-end
number=0
until [ -e /run/stream-end ]; do
  number=$((number + 1))
  printf 'From: alice@sender.test\\nTo: {to}\\nSubject: {name} %s\\n\\nMessage %s.\\n' \
    $number $number | /usr/sbin/sendmail -f alice@sender.test {to}
  echo $number
  sleep 0.3
done
"""
_STATUS = re.compile(r" dsn=(\d)[.0-9]+, status=(\w+) \((.*)\)")


def sh(host: Host, command: str) -> str:
    """Run a shell command in a container, without the network. Raises LabError when it fails."""
    return container.inside(host, ["sh", "-c", command])


@contextmanager
def impatient_sender() -> Iterator[None]:
    """While it lasts the sender knows mx1 only and tries again every second or two."""
    before = sh(INTERNET, f"postconf {' '.join(SENDER)}").splitlines()
    container.inside(INTERNET, ["postconf", "-e", *(f"{k}={v}" for k, v in SENDER.items())])
    sh(INTERNET, "postfix reload 2>&1")
    try:
        yield
    finally:
        container.inside(INTERNET, ["postconf", "-e", *before])
        sh(INTERNET, "postfix reload 2>&1")


class Stream:
    """Messages numbered from 1, one every 0.3 s while the `with` lasts; then all are awaited.

    `domain`: one that the sender finds the MX of in DNS, or example.test, which goes to mx1.
    """

    def __init__(self, name: str, domain: str = "example.test") -> None:
        self.name, self.domain = name, domain
        self.recipient = f"bob+{name}@{domain}"
        self.sent = 0
        self._log = INTERNET.root / "var/log/mail.log"

    def __enter__(self) -> Self:
        sh(MAILBOX1, f"rm -rf {postfix.MAILDIRS}/{self.domain}/bob+{self.name}")
        self._begin = self._log.stat().st_size
        self._since = f"@{int(time.time())}"
        loop = LOOP.format(name=self.name, to=self.recipient)
        self._process = subprocess.Popen(
            ["scripts/lab", "ssh", "internet", loop], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        sh(INTERNET, "touch /run/stream-end")
        output = self._process.communicate(timeout=60)[0]
        self.sent = len(output.split())
        assert self.sent > 0

    def seen(self) -> list[tuple[str, str, str]]:
        """What the sender logged of each try: class of the status code, outcome, words."""
        with self._log.open(errors="replace") as log:
            log.seek(self._begin)
            ours = [line for line in log if f" to=<{self.recipient}>," in line]
        return [(match[1], match[2], match[3]) for match in map(_STATUS.search, ours) if match]

    def count(self, outcome: str) -> int:
        """How many tries of the sender ended so."""
        return sum(status == outcome for _, status, _ in self.seen())

    def deferred(self, more: int) -> None:
        """Wait until so many more tries of the sender were put off."""
        wanted = self.count("deferred") + more
        eventually(lambda: self.count("deferred") >= wanted, 60)

    def deferred_by_mx1(self) -> int:
        """How often mx1 could not hand a message on."""
        journal = ["journalctl", "-q", "-o", "cat", "--since", self._since, "-g", "status=deferred"]
        return container.inside(MX1, journal, check=False).count(f"to=<{self.recipient}>")

    def arrived(self) -> Counter[int]:
        """Number of each delivered message to how often; each must have passed the filter."""
        assert self.by_others() == 0
        return self.delivered()

    def by_others(self) -> int:
        """How many messages arrived without having passed an MX host of ours."""
        return self._filtered().count(False)

    def by_ours(self) -> int:
        """How many messages arrived through an MX host of ours."""
        return self._filtered().count(True)

    def _filtered(self) -> list[bool]:
        """Of each message that arrived, whether the filter of an MX host of ours saw it."""
        return [
            "\nX-Spamd-Result: default: " in path.read_text(errors="replace")
            for path in postfix.maildir(MAILBOX1.root, self.recipient).glob("new/*")
        ]

    def delivered(self) -> Counter[int]:
        """Number of each delivered message to how often."""
        found: Counter[int] = Counter()
        for path in postfix.maildir(MAILBOX1.root, self.recipient).glob("new/*"):
            text = path.read_text(errors="replace")
            if match := re.search(rf"^Subject: {self.name} (\d+)$", text, re.MULTILINE):
                found[int(match[1])] += 1
        return found

    def drained(self, seconds: float) -> Counter[int]:
        """Flush the queues until nothing is on its way; what arrived then."""
        # A qmgr(8) just started may miss what came a moment before, and wakes after 300 s.
        way = (INTERNET, MX1, MX2, MAILBOX1)

        def empty() -> bool:
            queued = [sh(host, "postqueue -j") for host in way]
            if not any(f'"{self.recipient}"' in entries for entries in queued):
                return True
            for host in way:
                container.inside(host, ["postqueue", "-f"], check=False)  # may not run yet
            time.sleep(1)
            return False

        eventually(empty, seconds)
        eventually(lambda: len(self.delivered()) >= self.sent, 20)
        return self.delivered()
