"""A sender with a queue of its own: serial numbers, both MX hosts, again after a 4xx, a journal."""

from __future__ import annotations

import ctypes
import heapq
import json
import random
import re
import smtplib
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

SESSIONS = 20
CONNECT_SECONDS, REPLY_SECONDS = 10, 150
CLONE_NEWNET = 0x40000000
WORDS = (Path(__file__).read_text() + __doc__).split()


@dataclass(frozen=True)
class Server:
    """An MX host: its name, and an address of each family with the one to come from."""

    name: str
    addresses: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Target:
    """An address to write to, and the Maildirs in which one copy each must arrive."""

    address: str
    copies: tuple[str, ...]


@dataclass
class Message:
    """One message of the stream. Times are seconds since the epoch."""

    serial: int
    target: Target
    size: int
    begun: float = 0.0
    accepted: float | None = None
    tries: list[Attempt] = field(default_factory=list)


@dataclass(frozen=True)
class Attempt:
    """One session. `outcome`: accepted, deferred (4xx), refused (5xx), failed (none, or cut off).

    uncertain: the whole message went out and no final reply came back, so that the server may
    have it (RFC 5321, section 4.5.4.1; RFC 1047).
    """

    serial: int
    server: str
    begin: float
    end: float
    outcome: str
    phase: str
    words: str


def text(run: str, message: Message) -> bytes:
    """The message with CRLF lines, without dot stuffing; its body depends on the serial alone."""
    chance = random.Random(f"{run} {message.serial}")
    lines, length = [], 0
    while length < message.size:
        line = " ".join(chance.choices(WORDS, k=8))
        line = (
            f".{line}"
            if chance.random() < 0.05
            else f"{line} 10 €"
            if chance.random() < 0.05
            else line
        )
        lines.append(line.encode()[:900].decode(errors="ignore"))
        length += len(line) + 2
    body = "".join(f"{line}\r\n" for line in lines).encode()
    head = (
        f"From: Alice <alice@sender.test>\r\nTo: <{message.target.address}>\r\n"
        f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime(message.begun))}\r\n"
        f"Message-ID: <{run}.{message.serial}@sender.test>\r\nSubject: Message {message.serial}\r\n"
        f"X-Chaos: {run} {message.serial} {sha256(body).hexdigest()}\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n"
    )
    return head.encode() + body


def enter(netns: Path) -> None:
    """Let this thread's sockets be in a network namespace (setns(2)). Raises OSError."""
    with netns.open("rb") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns", str(netns))


class Sender:
    """Begins messages with `stream` or `send`; `finish` waits for what is under way."""

    def __init__(
        self,
        run: str,
        servers: tuple[Server, ...],
        targets: tuple[Target, ...],
        netns: Path,
        journal: Path,
    ) -> None:
        self.run, self.messages = run, list[Message]()
        self._servers, self._targets = servers, targets
        self._chance = random.Random(run)
        self._journal = journal.open("w", buffering=1)
        self._lock, self._wake = threading.Lock(), threading.Condition()
        self._due: list[tuple[float, int]] = []
        self._open, self._stop = 0, threading.Event()
        self._pool = ThreadPoolExecutor(SESSIONS, initializer=enter, initargs=(netns,))
        self._context = ssl.create_default_context()
        self._context.check_hostname, self._context.verify_mode = False, ssl.CERT_NONE
        self._dispatcher = threading.Thread(target=self._dispatch)
        self._dispatcher.start()

    def stream(self, rate: float, until: float) -> None:
        """Begin messages at this rate, messages a second, until a time of time.time()."""
        while (now := time.time()) < until:
            self.send()
            time.sleep(max(0.0, now + self._chance.uniform(0.5, 1.5) / rate - time.time()))

    def send(self) -> None:
        """Begin one message of a random size to a random target."""
        size = self._chance.choices((800, 20_000, 300_000, 2_000_000), (80, 15, 4, 1))[0]
        with self._wake:
            message = Message(
                len(self.messages), self._chance.choice(self._targets), size, time.time()
            )
            self.messages.append(message)
            self._open += 1
            heapq.heappush(self._due, (message.begun, message.serial))
            self._wake.notify()

    def finish(self, seconds: float) -> bool:
        """Wait until each message has a final reply; whether that was within these seconds."""
        with self._wake:
            done = self._wake.wait_for(lambda: self._open == 0, seconds)
        self._stop.set()
        with self._wake:
            self._wake.notify_all()
        self._dispatcher.join()
        self._pool.shutdown()
        self._journal.close()
        return done

    def _dispatch(self) -> None:
        while not self._stop.is_set():
            with self._wake:
                wait = self._due[0][0] - time.time() if self._due else 1.0
                if wait > 0:
                    self._wake.wait(min(wait, 1.0))
                    continue
                _, serial = heapq.heappop(self._due)
            self._pool.submit(self._deliver, self.messages[serial])

    def _deliver(self, message: Message) -> None:
        """Try each server once, in a random order; come again after seconds when none took it."""
        chance = random.Random(f"{self.run} {message.serial} {len(message.tries)}")
        ended = False
        for server in chance.sample(self._servers, len(self._servers)):
            attempt = self._attempt(message, server, chance)
            with self._lock:
                message.tries.append(attempt)
                self._journal.write(json.dumps(asdict(attempt)) + "\n")
            if attempt.outcome == "accepted":
                message.accepted = attempt.end
            if ended := attempt.outcome in ("accepted", "refused"):
                break
        with self._wake:
            if ended:
                self._open -= 1
                self._wake.notify_all()
            elif not self._stop.is_set():
                heapq.heappush(self._due, (time.time() + chance.uniform(2, 6), message.serial))
                self._wake.notify()

    def _attempt(self, message: Message, server: Server, chance: random.Random) -> Attempt:
        """One session with one server, with TLS in every second one."""
        begin, phase = time.time(), "connect"
        try:
            address, source = chance.choice(server.addresses)
            with _Session(address, 25, "out.sender.test", CONNECT_SECONDS, (source, 0)) as session:
                assert session.sock is not None
                session.sock.settimeout(REPLY_SECONDS)
                phase = "ehlo"
                _expect(session.ehlo())
                if chance.random() < 0.5 and session.has_extn("starttls"):
                    phase = "starttls"
                    _expect(session.starttls(context=self._context))
                    _expect(session.ehlo())
                phase = "mail"
                _expect(
                    session.mail(
                        f"alice+{self.run}-{message.serial}@sender.test", ("BODY=8BITMIME",)
                    )
                )
                phase = "rcpt"
                _expect(session.rcpt(message.target.address))
                phase = "data"
                _expect(session.docmd("DATA"), "3")
                phase = "text"
                # Without the last octet no server can take it for complete.
                stuffed = re.sub(rb"(?m)^\.", b"..", text(self.run, message)) + b".\r\n"
                session.sock.sendall(stuffed)
                phase = "end"
                code, words = session.getreply()
                _expect((code, words))
                phase = "quit"
                done = (server.name, begin, time.time())
                return Attempt(message.serial, *done, "accepted", "end", f"{code} {words!r}")
        except smtplib.SMTPServerDisconnected as error:
            outcome, words_ = "uncertain" if phase == "end" else "failed", str(error)
        except smtplib.SMTPResponseException as error:
            outcome = "refused" if error.smtp_code >= 500 else "deferred"
            words_ = f"{error.smtp_code} {error.smtp_error!r}"
        except (OSError, smtplib.SMTPException) as error:
            outcome, words_ = (
                "uncertain" if phase == "end" else "failed",
                f"{type(error).__name__}: {error}",
            )
        return Attempt(message.serial, server.name, begin, time.time(), outcome, phase, words_)


class _Session(smtplib.SMTP):
    """Its end never hides what came before: QUIT is sent, its reply is not awaited."""

    def __exit__(self, *_: object) -> None:
        try:
            if self.sock is not None:
                self.sock.sendall(b"QUIT\r\n")
        except OSError:
            pass  # the connection is gone, and so is what QUIT is for
        self.close()


def _expect(reply: tuple[int, bytes], first: str = "2") -> None:
    """Raises SMTPResponseException for any other reply than one of this class."""
    if not str(reply[0]).startswith(first):
        raise smtplib.SMTPResponseException(*reply)
