"""Offers messages over SMTP without TLS, one a session, each with a serial and a digest.

Runs in a network namespace: `python client.py ORDER`, with the Order as JSON. Writes each Attempt
as a line of JSON into the order's journal, and prints `offered` after the last message has begun.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import resource
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import TextIO, TypedDict

# What Postfix's own client waits for (smtp_connect_timeout, smtp_helo_timeout of postconf(5)).
CONNECT_SECONDS, REPLY_SECONDS = 30.0, 300.0
DOMAIN = "load.sender.test"
SENDER = f"alice@{DOMAIN}"
_WORDS = re.findall("[a-z]+", Path(__file__).read_text())


class Order(TypedDict, total=False):
    """What to offer. `sessions`: so many at all times. `rate`: so many messages begin a second.

    With `rate` a message begins whatever became of those before, as with many strangers. `size`:
    octets of the body. `target`: address and port.
    """

    run: str
    target: tuple[str, int]
    sources: list[str]
    recipients: list[str]
    size: int
    seconds: float
    sessions: int
    rate: float
    journal: str


class Attempt(TypedDict):
    """One message. `code`: the last reply, 0 without one; times are of time.time().

    `phase`: connect, banner, ehlo, mail, rcpt, data or end, the step that `code` replied to.
    """

    serial: str
    recipient: str
    code: int
    phase: str
    words: str
    begin: float
    end: float


class Refused(Exception):
    """A reply of 4xx or 5xx: the arguments are code and words."""


class Client:
    """Sends one message after the other, each from the next source."""

    def __init__(self, order: Order, journal: TextIO) -> None:
        self._order, self._journal = order, journal
        self._numbers = itertools.count()
        self._sources = itertools.cycle(order["sources"])
        self._recipients = itertools.cycle(order["recipients"])
        chance = random.Random(order["run"])
        self._bodies = [body(chance, order["size"]) for _ in range(32)]

    async def send(self) -> None:
        """One session with one message, and its line in the journal."""
        number, recipient = next(self._numbers), next(self._recipients)
        attempt: Attempt = {
            "serial": f"{self._order['run']}-{number}",
            "recipient": recipient,
            "code": 0,
            "phase": "connect",
            "words": "",
            "begin": time.time(),
            "end": 0.0,
        }
        text = message(attempt["serial"], recipient, self._bodies[number % len(self._bodies)])
        try:
            await self._session(attempt, text)
        except Refused as reply:
            attempt["code"], attempt["words"] = reply.args
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            attempt["code"], attempt["words"] = 0, type(error).__name__
        attempt["end"] = time.time()
        self._journal.write(json.dumps(attempt) + "\n")

    async def _session(self, attempt: Attempt, text: bytes) -> None:
        """Raises Refused for another reply than the one that goes on."""
        host, port = self._order["target"]
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                host, port, local_addr=(next(self._sources), 0)
            )
        try:
            for phase, octets in (
                ("banner", b""),
                ("ehlo", b"EHLO out.sender.test\r\n"),
                ("mail", f"MAIL FROM:<{SENDER}>\r\n".encode()),
                ("rcpt", f"RCPT TO:<{attempt['recipient']}>\r\n".encode()),
                ("data", b"DATA\r\n"),
                ("end", text + b".\r\n"),
            ):
                attempt["phase"] = phase
                writer.write(octets)
                async with asyncio.timeout(REPLY_SECONDS):
                    await writer.drain()
                    attempt["code"], attempt["words"] = await reply(reader)
            writer.write(b"QUIT\r\n")
        finally:
            writer.close()


def body(chance: random.Random, size: int) -> bytes:
    """Lines of words, of about so many octets; no line begins with a dot."""
    lines, length = list[str](), 0
    while length < size:
        lines.append(" ".join(chance.choices(_WORDS, k=12)))
        length += len(lines[-1]) + 2
    return "".join(f"{line}\r\n" for line in lines).encode()


def message(serial: str, recipient: str, text: bytes) -> bytes:
    """The whole message; X-Load has its serial and the digest of its body."""
    date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
    head = (
        f"From: <{SENDER}>\r\nTo: <{recipient}>\r\nDate: {date}\r\n"
        f"Message-ID: <{serial}@{DOMAIN}>\r\nSubject: Load {serial}\r\n"
        f"X-Load: {serial} {sha256(text).hexdigest()}\r\n\r\n"
    )
    return head.encode() + text


async def reply(reader: asyncio.StreamReader) -> tuple[int, str]:
    """A reply's code and last line. Raises Refused for 4xx and 5xx."""
    while (line := await reader.readuntil(b"\n"))[3:4] == b"-":
        pass
    words = line.decode(errors="replace").strip()
    if line[:1] in b"45":
        raise Refused(int(line[:3]), words)
    return int(line[:3]), words


async def offer(order: Order, journal: TextIO) -> None:
    """Offer what the order is, then wait for all replies."""
    client, begin = Client(order, journal), time.time()
    end = begin + order["seconds"]

    async def one_after_the_other() -> None:
        while time.time() < end:
            await client.send()

    if "sessions" in order:
        tasks = [asyncio.create_task(one_after_the_other()) for _ in range(order["sessions"])]
        await asyncio.gather(*tasks)
        print("offered", flush=True)
        return
    under_way = set[asyncio.Task[None]]()
    for number in range(max(1, int(order["rate"] * order["seconds"]))):
        await asyncio.sleep(max(0.0, begin + number / order["rate"] - time.time()))
        task = asyncio.create_task(client.send())
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    print("offered", flush=True)
    await asyncio.gather(*under_way)


if __name__ == "__main__":
    given: Order = json.loads(sys.argv[1])
    # A session takes a file, and beyond the limit thousands wait.
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with Path(given["journal"]).open("w", buffering=1) as file:
        asyncio.run(offer(given, file))
