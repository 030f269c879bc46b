"""Postfix's socketmap protocol: netstrings of `NAME KEY` and of an answer (socketmap_table(5))."""

from __future__ import annotations

import asyncio

# socketmap_table(5): the most that Postfix takes as an answer.
_LONGEST = 100_000


class ProtocolError(Exception):
    """What came is no netstring."""


async def read(reader: asyncio.StreamReader) -> str | None:
    """The next netstring; None at the end of the stream. Raises ProtocolError."""
    try:
        size = await reader.readuntil(b":")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise ProtocolError("ends within a length") from None
        return None
    except asyncio.LimitOverrunError:
        raise ProtocolError("no length") from None
    digits = size[:-1]
    if not digits.isdigit() or len(digits) > 6 or int(digits) > _LONGEST:
        raise ProtocolError(f"no length: {digits[:20]!r}")
    try:
        text = await reader.readexactly(int(digits) + 1)
    except asyncio.IncompleteReadError:
        raise ProtocolError("ends within a string") from None
    if text[-1:] != b",":
        raise ProtocolError("no comma at the end")
    try:
        return text[:-1].decode()
    except UnicodeDecodeError:
        raise ProtocolError("not UTF-8") from None


def write(text: str) -> bytes:
    """The text as a netstring."""
    raw = text.encode()
    return b"%d:%s," % (len(raw), raw)


async def ask(path: str, key: str) -> str:
    """The answer of the socketmap service on a unix socket.

    Raises OSError or ProtocolError when there is none.
    """
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(write(f"QUERY {key}"))
        await writer.drain()
        answer = await read(reader)
    finally:
        writer.close()
    if answer is None:
        raise ProtocolError("closed without an answer")
    return answer
