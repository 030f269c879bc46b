"""What a real Postfix does with a main.cf: does it start, whom does it accept, which process dies.

Each Postfix is a directory made by debootstrap, in a network of its own. The verdict comes from
here only.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.long.audit.network import HOST, STRANGER, log, namespace

SERVICES = """\
smtp inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - discard
relay unix - - n - - discard
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - discard
virtual unix - n n - - discard
lmtp unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
"""
_FATAL = re.compile(r"postfix/(?:\S+/)?([a-z-]+)\[\d+\]: (?:fatal|panic): (.*)")


@dataclass
class Seen:
    """What happened. Codes are the first three digits of an answer; 0 when there was none."""

    greeting: int = 0
    foreign: int = 0
    own: int = 0
    message: int = 0
    denied: bool = False
    """Whether the own address was refused as foreign or unknown: then the file is for other domains
    than example.net, which is no fault in it."""
    check: int = 0
    """Exit code of `postfix check`, which takes seconds, or else of `postconf -n`."""
    delivered: bool = False
    fatal: list[str] = field(default_factory=list)
    """Program and text of each process that died."""
    configuration: bool = False
    """Whether an answer was 451 4.3.5 or 4.3.0: smtpd(8) could not make sense of a setting."""

    smuggled: bool | None = None
    """Whether LF . LF ended a message (CVE-2023-51764); None when that was not tried."""

    @property
    def verdict(self) -> str:
        """Open, dead, deferring, elsewhere, refusing or fine."""
        if self.foreign // 100 == 2:
            return "open"
        if not self.greeting or self.fatal or self.check or not self.own or not self.foreign:
            return "dead"
        if self.configuration:
            return "deferring"
        if self.denied:
            return "elsewhere"
        if self.greeting != 220 or self.own // 100 != 2 or self.message // 100 != 2:
            return "refusing"
        return "fine" if self.delivered else "dead"

    def record(self) -> dict[str, object]:
        """As JSON takes it."""
        return asdict(self) | {"verdict": self.verdict}


class Postfix:
    """One directory with a Postfix."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lines: list[str] = []
        self.holder = 0

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """Join the namespace of Postfix to that of this program, and listen to its log."""
        with namespace() as self.holder, log(self.root / "dev/log", self.lines):
            self._prepare()
            yield

    def _prepare(self) -> None:
        (self.root / "etc/resolv.conf").write_text(f"nameserver {STRANGER}\noptions timeout:1\n")
        folder = self.root / "etc/postfix"
        if (folder / "main.cf").is_dir():
            (folder / "main.cf").rmdir()
        (folder / "master.cf").write_text(SERVICES)
        (folder / "x").write_text("x\n")  # for values that name a file

    def _in_chroot(self, *command: str) -> list[str]:
        net = f"--net=/proc/{self.holder}/ns/net"
        return ["nsenter", net, "chroot", str(self.root), *command]

    def try_file(self, text: str, check: bool = False) -> Seen:
        """Start Postfix with a main.cf, talk to it, stop it; `check` runs postfix check before."""
        seen = Seen()
        (self.root / "etc/postfix/main.cf").write_bytes(text.encode("utf-8", "surrogateescape"))
        begin = len(self.lines)
        checked = subprocess.run(
            self._in_chroot(*(("postfix", "check") if check else ("postconf", "-n"))),
            capture_output=True,
            check=False,
            timeout=60,
        )
        seen.check = checked.returncode
        master = subprocess.Popen(
            self._in_chroot("/usr/lib/postfix/sbin/master", "-d", "-e", "60"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self._talk(seen, master)
            deadline = time.monotonic() + (4 if seen.message // 100 == 2 else 0)
            while time.monotonic() < deadline and not self._delivered(begin):
                time.sleep(0.05)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(master.pid, signal.SIGTERM)
            try:
                master.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(master.pid, signal.SIGKILL)
                master.wait()
        seen.delivered = self._delivered(begin)
        for line in self.lines[begin:]:
            match = _FATAL.search(line)
            # master(8) says so when it is stopped by a signal to its whole group.
            if match and "master_sigdeath" not in line:
                seen.fatal.append(f"{match[1]}: {match[2].strip()[:200]}")
        return seen

    def _delivered(self, begin: int) -> bool:
        return any("status=" in line for line in self.lines[begin:])

    def _talk(self, seen: Seen, master: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and master.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((HOST, 25), 1):
                break
            time.sleep(0.05)
        if master.poll() is not None:
            return
        with contextlib.suppress(OSError):
            connection = socket.create_connection((HOST, 25), 8)
            with connection, connection.makefile("rwb") as stream:
                self._dialogue(seen, stream)

    def _dialogue(self, seen: Seen, stream: object) -> None:
        denied: list[bytes] = []

        def ask(command: str | None) -> int:
            if command is not None:
                stream.write(command.encode() + b"\r\n")  # type: ignore[attr-defined]
                stream.flush()  # type: ignore[attr-defined]
            while True:
                line = stream.readline()  # type: ignore[attr-defined]
                if not line:
                    return 0
                if line[3:4] != b"-":
                    if b"Relay access denied" in line or b"User unknown" in line:
                        denied.append(line)
                    if line.startswith((b"451 4.3.5", b"451 4.3.0")):
                        seen.configuration = True
                    return int(line[:3])

        seen.greeting = ask(None)
        if not seen.greeting:
            return
        ask("EHLO client.example")
        ask("MAIL FROM:<root@client.example>")
        seen.foreign = ask("RCPT TO:<someone@elsewhere.example.org>")
        if not seen.foreign:
            return
        if seen.foreign // 100 != 2:  # a suffix may be taken and another one not
            other = ask("RCPT TO:<someone@elsewhere.example.org.net>")
            seen.foreign = other if other // 100 == 2 else seen.foreign
        if seen.foreign // 100 == 2:
            ask("RSET")
            ask("MAIL FROM:<root@client.example>")
        denied.clear()
        seen.own = ask("RCPT TO:<root@example.net>")
        seen.denied = bool(denied)
        if seen.own // 100 != 2:
            return
        seen.message = ask("DATA")
        if seen.message == 354:
            seen.message = ask("Subject: x\r\n\r\nx\r\n.")
        if seen.message == 250:
            ask("MAIL FROM:<root@client.example>")
            ask("RCPT TO:<root@example.net>")
            if ask("DATA") == 354:
                # One message to a server that ends it at CR LF . CR LF alone, else two commands.
                first = ask("Subject: y\r\n\r\ny\n.\nNOOP\r\n.\r\nQUIT")
                if first == 250:
                    seen.smuggled = ask(None) != 221
        else:
            ask("QUIT")
