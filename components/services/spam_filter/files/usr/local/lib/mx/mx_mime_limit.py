"""Milter before Rspamd: refuses a message with too many messages in it.

Rspamd before 4.1.2 takes time in the square of the number of nested message/rfc822 parts: a few
hundred kilobytes keep one of its processes for minutes, and six such messages keep all mail out
(upstream 562c7bee0). Postfix counts nested multiparts only (mime_nesting_limit). So the headers
`Content-Type: message/...` of the body are counted here, whatever encloses them, before Rspamd
sees the message.

`serve` answers on the socket that systemd hands over (sd_listen_fds(3)), `ask PATH` tells whether
it answers. Protocol: version 6 of the milter protocol, as MILTER_README and libmilter's mfdef.h.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import sys

MOST = 1000
"""Honest digests and forwards have fewer; so many cost Rspamd a fraction of a second."""
REPLY = b"554 5.6.0 there are more than %d messages within this message" % MOST
_HEADER = re.compile(
    rb"^content-type[ \t]*:(?:[^\r\n]|\r?\n[ \t])*?message", re.IGNORECASE | re.MULTILINE
)
_FIRST_FD = 3
_LONGEST_PACKET = 1 << 20
# A logical header that is longer than this is not put together.
_LONGEST_HEADER = 8192
_VERSION = 6
# No connect, helo, mail, rcpt, header, end of header, unknown, data; no answer to body chunks.
_SKIP = 0x01 | 0x02 | 0x04 | 0x08 | 0x20 | 0x40 | 0x100 | 0x200 | 0x80000


class Counter:
    """Counts in a body that comes in pieces."""

    def __init__(self) -> None:
        self.found = 0
        self._rest = b""

    def add(self, piece: bytes) -> None:
        """Count all headers that are complete now."""
        text = self._rest + piece
        cut = text.rfind(b"\n")
        # A line is complete when the next one has begun and does not continue it.
        while cut >= 0 and text[cut + 1 : cut + 2] in (b"", b" ", b"\t"):
            cut = text.rfind(b"\n", 0, cut)
        self.found += len(_HEADER.findall(text[: cut + 1]))
        self._rest = text[cut + 1 :][-_LONGEST_HEADER:]

    def end(self) -> int:
        """The number in the whole body."""
        self.found += len(_HEADER.findall(self._rest))
        self._rest = b""
        return self.found


def packet(command: bytes, data: bytes = b"") -> bytes:
    """A packet: length, command, data."""
    return struct.pack("!I", len(data) + 1) + command + data


async def read(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The next command and its data. Raises ValueError or EOFError."""
    (size,) = struct.unpack("!I", await reader.readexactly(4))
    if not 0 < size <= _LONGEST_PACKET:
        raise ValueError(f"a packet of {size} bytes")
    data = await reader.readexactly(size)
    return data[:1], data[1:]


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One session of Postfix: many messages, one after the other."""
    counter = Counter()
    quiet = False
    try:
        while True:
            command, data = await read(reader)
            if command == b"O":
                _, _, offered = struct.unpack("!III", data[:12])
                quiet = bool(offered & 0x80000)
                writer.write(packet(b"O", struct.pack("!III", _VERSION, 0, _SKIP & offered)))
            elif command == b"B":
                counter.add(data)
                if not quiet:
                    writer.write(packet(b"c"))
            elif command == b"E":
                counter.add(data)
                found, counter = counter.end(), Counter()
                if found > MOST:
                    print(f"refused: {found} messages within one", file=sys.stderr, flush=True)
                    writer.write(packet(b"y", REPLY + b"\0"))
                else:
                    writer.write(packet(b"c"))
            elif command in (b"A", b"K"):
                counter = Counter()
            elif command == b"Q":
                break
            elif command != b"D":
                writer.write(packet(b"c"))
            await writer.drain()
    except (EOFError, ConnectionError):
        pass  # Postfix went away between two messages
    except (ValueError, struct.error) as error:
        print(f"a client is left: {error}", file=sys.stderr, flush=True)
    finally:
        writer.close()


async def _serve() -> None:
    listening = socket.socket(fileno=_FIRST_FD)
    # Not start_unix_server(), which from Python 3.13 on would take the socket's file away.
    server = await asyncio.start_server(talk, sock=listening)
    await server.serve_forever()


async def _ask(path: str) -> None:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(packet(b"O", struct.pack("!III", _VERSION, 0, _SKIP)))
    command, _ = await asyncio.wait_for(read(reader), 10)
    writer.close()
    if command != b"O":
        raise ValueError(f"answers {command!r}")


def main() -> int:
    """Exit codes: 0 done, 1 no answer, 2 usage."""
    match sys.argv[1:]:
        case ["serve"]:
            asyncio.run(_serve())
        case ["ask", path]:
            try:
                asyncio.run(_ask(path))
            except (TimeoutError, OSError, ValueError, EOFError) as error:
                print(f"no answer: {error}", file=sys.stderr)
                return 1
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
