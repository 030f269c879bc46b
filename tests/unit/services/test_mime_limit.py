"""The milter that counts messages within a message: in any pieces, spelled in any way."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path
from typing import Any, TypeVar

import pytest

from components.services.spam_filter import mime_limit
from tests.support.loops import in_own_loop
from tests.support.programs import host_program
from tests.support.stacks import ROOT

T = TypeVar("T")
FILES = ROOT / "components/services/spam_filter/files"


@pytest.fixture(scope="module")
def milter() -> Any:
    path = FILES / mime_limit.PROGRAM.lstrip("/")
    return host_program(path)


# Spellings that Rspamd 3.12.1 takes for a nested message, each quadratic in its time there.
COUNTED = {
    "plain": b"Content-Type: message/rfc822\r\n\r\n",
    "folded": b"Content-Type:\r\n\tmessage/rfc822\r\n\r\n",
    "global": b"content-type: MESSAGE/global\r\n\r\n",
    "with a comment": b"Content-Type: (a) message/rfc822\r\n\r\n",
    "with a boundary line between": b"Content-Type: message/rfc822\r\n\r\n--x\r\n",
    "with text between": b"Content-Type: message/rfc822\r\n\r\nno header here\r\n",
    "with empty lines between": b"Content-Type: message/rfc822\r\n\r\n\r\n",
    "with bare newlines": b"Content-Type: message/rfc822\n\n",
}
NOT_COUNTED = {
    "another type": b"Content-Type: text/plain\r\n\r\nmessage\r\n",
    "a quoted header": b"> Content-Type: message/rfc822\r\n",
    "a word": b"a message/rfc822 is a Content-Type: message/rfc822\r\n",
}


@pytest.mark.parametrize("size", [1, 7, 100, 65535])
@pytest.mark.parametrize("spelling", COUNTED)
def test_every_message_is_counted_however_it_comes(spelling: str, size: int, milter: Any) -> None:
    body, counter = COUNTED[spelling] * 300, milter.Counter()
    for start in range(0, len(body), size):
        counter.add(body[start : start + size])
    assert counter.end() == 300


@pytest.mark.parametrize("text", NOT_COUNTED)
def test_nothing_else_is_counted(text: str, milter: Any) -> None:
    counter = milter.Counter()
    counter.add(NOT_COUNTED[text] * 300)
    assert counter.end() == 0


def session(milter: Any, path: Path, packets: list[bytes], answers: int) -> list[tuple[bytes, Any]]:
    """Talk as Postfix does and return what is answered."""

    async def talk() -> list[tuple[bytes, Any]]:
        server = await asyncio.start_unix_server(milter.talk, path=path)
        reader, writer = await asyncio.open_unix_connection(path)
        for each in packets:
            writer.write(each)
        said = [await asyncio.wait_for(milter.read(reader), 10) for _ in range(answers)]
        writer.write(milter.packet(b"Q"))
        await writer.drain()
        assert await reader.read() == b""
        writer.close()
        server.close()
        await server.wait_closed()
        return said

    return in_own_loop(talk())


OFFER = struct.pack("!III", 6, 0x1FF, 0x1FFFFF)


def test_a_session_of_postfix(milter: Any, tmp_path: Path) -> None:
    """Three messages on one connection; each is judged by itself."""
    many, fifty = COUNTED["plain"] * (milter.MOST + 1), COUNTED["plain"] * 50
    packets = [milter.packet(b"O", OFFER)]
    for body in (many, fifty):
        packets.append(milter.packet(b"D", b"M\0i\0x\0"))
        packets += [milter.packet(b"B", body[i : i + 65535]) for i in range(0, len(body), 65535)]
        packets.append(milter.packet(b"E"))
    packets += [milter.packet(b"B", many), milter.packet(b"A"), milter.packet(b"E")]
    (command, told), *verdicts = session(milter, tmp_path / "s", packets, 4)
    version, actions, skipped = struct.unpack("!III", told)
    assert (command, version, actions) == (b"O", 6, 0)
    assert skipped & 0x10 == 0, "the body is wanted"
    assert verdicts == [(b"y", milter.REPLY + b"\0"), (b"c", b""), (b"c", b"")]


def test_a_client_that_speaks_otherwise_is_left(
    milter: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def talk() -> bytes:
        server = await asyncio.start_unix_server(milter.talk, path=tmp_path / "s")
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        said = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        server.close()
        return said

    assert in_own_loop(talk()) == b""
    assert "a client is left: a packet of" in capsys.readouterr().err
