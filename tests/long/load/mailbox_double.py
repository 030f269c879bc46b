"""A mailbox host that writes down what it takes before it takes it; argv: PORT JOURNAL.

Runs in the network namespace of the real one, without TLS. Each copy is a line of JSON, a Copy of
verdict.py, on the disk (fsync(2)) before the final reply. Mail of others is put off.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from hashlib import sha256
from pathlib import Path

_OURS = re.compile(rb"^X-Load: (\S+) ([0-9a-f]{64})\r$", re.MULTILINE)
_FILTERED = re.compile(rb"^X-Spamd-Result:", re.MULTILINE | re.IGNORECASE)
_LARGEST = 64 * 1024 * 1024


class Journal:
    """Lines on the disk; one fsync(2) serves all that wait for it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._turn = asyncio.Lock()
        self._written = self._synced = 0

    async def add(self, lines: bytes) -> None:
        """Return once the lines are on the disk."""
        self._file.write(lines)
        self._written += 1
        mine = self._written
        async with self._turn:
            if self._synced < mine:
                now = self._written
                await asyncio.to_thread(os.fsync, self._file.fileno())
                self._synced = now


def copies(text: bytes, recipients: list[str]) -> bytes:
    """The journal's lines for a message as it came after DATA; none for mail of others."""
    head, _, body = text.removesuffix(b".\r\n").partition(b"\r\n\r\n")
    found = _OURS.search(head + b"\r\n")
    if found is None:
        return b""
    copy = {
        "serial": found[1].decode(),
        "whole": sha256(body).hexdigest().encode() == found[2],
        "filtered": _FILTERED.search(head) is not None,
        "at": time.time(),
    }
    return b"".join(json.dumps(copy | {"recipient": each}).encode() + b"\n" for each in recipients)


async def session(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, journal: Journal
) -> None:
    """Speak to one client."""
    recipients = list[str]()
    writer.write(b"220 mailbox1.example.test ESMTP\r\n")
    try:
        while line := await reader.readline():
            answer = b"250 2.0.0 ok"
            verb = line[:4].upper()
            if verb == b"EHLO":
                answer = b"250-mailbox1.example.test\r\n250-PIPELINING\r\n250 8BITMIME"
            elif verb == b"MAIL":
                recipients = []
            elif verb == b"RCPT":
                recipients.append(line.partition(b"<")[2].partition(b">")[0].decode())
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                lines = copies(await reader.readuntil(b"\r\n.\r\n"), recipients)
                await journal.add(lines)
                answer = b"250 2.0.0 stored" if lines else b"451 4.3.0 only messages of the load"
            elif verb == b"QUIT":
                answer = b"221 2.0.0 bye"
            writer.write(answer + b"\r\n")
            if verb == b"QUIT":
                break
    except (OSError, asyncio.IncompleteReadError):
        pass  # the client ended the session; it has no final reply and comes again
    finally:
        writer.close()


async def main(port: int, path: Path) -> None:
    """Serve until the process is ended."""
    journal = Journal(path)
    server = await asyncio.start_server(
        lambda reader, writer: session(reader, writer, journal), None, port, limit=_LARGEST
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
