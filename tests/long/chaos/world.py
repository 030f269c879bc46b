"""Faults outside the MX hosts: DNS and the mailbox host."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from lab.topology import INTERNET, MAILBOX1, Host

from . import mailbox_double
from .faults import Fault, dropped, link, nft, no_table, sh, stopped

NAME = ("A 198.18.77.21", "AAAA 2001:db8:77::21")
PORT = 2525
_REDIRECT = (
    "add table inet chaosbox",
    "add chain inet chaosbox pre { type nat hook prerouting priority -100 ; }",
    f"add rule inet chaosbox pre tcp dport 25 redirect to :{PORT}",
)


def knotc(zone: str, *changes: str) -> None:
    """Change records at the authoritative server in one transaction."""
    steps = [f"zone-begin {zone}", *changes, f"zone-commit {zone}"]
    sh(
        INTERNET,
        " && ".join(f"knotc -b {step}" for step in steps)
        + f" || {{ knotc zone-abort {zone}; false; }}",
    )


def named(*records: str) -> Callable[[Host], None]:
    """Gives the mailbox host's name these records and no other address."""

    def change(host: Host) -> None:
        # What is not there cannot be taken away; so first both, then neither.
        has = sh(INTERNET, "knotc zone-read example.test mailbox1.example.test.; true")
        old = [
            f"zone-unset example.test mailbox1 {kind}"
            for kind in ("A", "AAAA", "TXT")
            if f" {kind} " in has
        ]
        knotc(
            "example.test", *old, *(f"zone-set example.test mailbox1 60 {each}" for each in records)
        )

    return change


class Bogus:
    """The parent has another DS record than the zone's key: no answer of the zone validates."""

    def __init__(self) -> None:
        self._right = ""

    def begin(self, host: Host) -> None:
        """Turn the digest's last digits round."""
        line = sh(INTERNET, "knotc zone-read test example.test. DS").split(" DS ", 1)[1].strip()
        self._right = line
        self._set(line[:-8] + line[-8:][::-1])

    def end(self, host: Host) -> None:
        """Put the right record back."""
        self._set(self._right)

    @staticmethod
    def _set(data: str) -> None:
        knotc(
            "test", "zone-unset test example.test. DS", f"zone-set test example.test. 60 DS {data}"
        )


class Double:
    """A stand-in for the mailbox host's server, in its network namespace."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self, host: Host) -> None:
        """Start it and turn connections to it."""
        program = [sys.executable, mailbox_double.__file__, str(PORT), self.mode]
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", MAILBOX1.netns, *program], stderr=subprocess.DEVNULL
        )
        nft(MAILBOX1, *_REDIRECT)

    def end(self, host: Host) -> None:
        """Turn new connections to the real server, and end this one with all its sessions."""
        nft(MAILBOX1, "delete table inet chaosbox")
        assert self._process is not None
        self._process.kill()
        self._process.wait()


def _of(maker: Bogus | Double, seconds: tuple[float, float] = (10, 40)) -> Fault:
    return Fault(maker.begin, maker.end, seconds)


_CUT = dropped("meta l4proto { tcp, udp } th dport 53")
FAULTS = {
    "mailbox host's name gone": Fault(named(), named(*NAME), (10, 30)),
    "mailbox host's name without an address": Fault(named('TXT "nothing"'), named(*NAME), (10, 30)),
    "mailbox host's name leads to mx1": Fault(named("A 198.18.77.11"), named(*NAME), (10, 30)),
    "DNSSEC bogus": _of(Bogus()),
    "authoritative servers silent": Fault(
        lambda host: _CUT.begins(INTERNET), lambda host: _CUT.ends(INTERNET), (10, 30)
    ),
    "mailbox host stopped": Fault(
        lambda host: stopped("postfix").begins(MAILBOX1),
        lambda host: stopped("postfix").ends(MAILBOX1),
        (10, 40),
    ),
    "mailbox host cut off": Fault(
        lambda host: link("down")(MAILBOX1), lambda host: link("up")(MAILBOX1), (10, 40)
    ),
    **{f"mailbox host {mode}": _of(Double(mode)) for mode in mailbox_double.MODES},
}


def mend() -> None:
    """After an interrupted run."""
    link("up")(MAILBOX1)
    no_table(MAILBOX1, "chaosbox")
    no_table(INTERNET, "chaos")
    sh(MAILBOX1, "systemctl start postfix")
    named(*NAME)(INTERNET)


def maildirs() -> Path:
    """The folder of all Maildirs on the mailbox host, seen from outside."""
    return MAILBOX1.root / "var/mail"
