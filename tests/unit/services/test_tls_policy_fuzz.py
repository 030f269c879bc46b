"""The TLS policy service under wrong netstrings and odd keys: it answers, or leaves a client."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import pytest

from tests.support.loops import in_own_loop
from tests.support.stacks import ROOT

LIBRARY = ROOT / "components/services/tls_policy/files/usr/local/lib/mx"
KEYS = (
    *("a.test:\u00b2", "a.test:" + "9" * 5000, "a.test:99999", "a.test:0", "a" * 64 + ".test"),
    *(".".join(["a" * 60] * 6), "\u00e9.test", "xn--\u00e9.test", "\u202e.test", "a..test"),
    *(".", "..", "", ":", ":25", "[", "]", "[]", "[::1]:25", "1.2.3.4", "::1", "1.2.3.4:25"),
    *("a\nb.test", "a\0b.test", "a b.test", "-x.test", "*.test", "a\\.test", "a\\000.test"),
    *("\\[.test", "@", "x@y.test", "%s%n", "$(id)", "'; --", "\u3002test", "\uff0etest", ".a.test"),
)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give modules of the package by name; its resolver reads names and answers nothing."""
    sys.path.insert(0, str(LIBRARY))

    def load(name: str) -> Any:
        return importlib.import_module(f"mx_tls_policy.{name}")

    dane = load("dane")

    async def resolve(name: str, kind: str) -> Any:
        try:
            dns.message.make_query(name, kind)
        except (dns.exception.DNSException, UnicodeError) as error:
            raise dane.LookupFailed(str(error)) from None
        return dane.Answer(name, True, exists=False)

    monkeypatch.setattr(dane, "resolve", resolve)
    yield load
    sys.path.remove(str(LIBRARY))


def netstring(raw: bytes) -> bytes:
    return b"%d:%s," % (len(raw), raw)


def wrong(rng: random.Random) -> bytes:
    """Bytes that are hardly a question."""
    noise = bytes(rng.randrange(256) for _ in range(rng.randrange(60)))
    size = rng.choice([-1, 0, 5, 17, 99_999, 100_001, 10**9])
    return rng.choice(
        [
            noise,
            b"%d:QUERY x.invalid," % size,
            b"0" * rng.randrange(1, 9) + b"5:hello,",
            netstring(b"QUERY " + noise),
            netstring(b"QUERY x.invalid")[: rng.randrange(1, 18)],
            netstring(b"QUERY a.invalid") * rng.randrange(1, 5) + b"junk",
            b"9" * rng.randrange(1, 70_000),
            netstring(b"x" * rng.randrange(3)),
        ]
    )


async def nothing(_: str) -> str:
    return "NOTFOUND "


def others() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


async def said(path: str, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(sent)
        writer.write_eof()
        return await reader.read()
    except ConnectionError:  # it left before it read everything
        return b""
    finally:
        await closed(writer)


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def test_no_question_ends_the_service(service: Any, tmp_path: Path) -> None:
    rng, path = random.Random(7), str(tmp_path / "policy.sock")
    talk = functools.partial(service("__main__")._talk, nothing)
    raised: list[dict[str, Any]] = []

    async def attack() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: raised.append(told))
        async with await asyncio.start_unix_server(talk, path):
            for key in KEYS:
                answer = await said(path, netstring(b"QUERY " + key.encode()))
                assert answer.partition(b":")[2].startswith((b"NOTFOUND ", b"TEMP ")), key[:20]
            for _ in range(3000):
                await said(path, wrong(rng))
            held = [await asyncio.open_unix_connection(path) for _ in range(100)]
            for _, writer in held:
                writer.write(b"50:QUERY x")
            assert await said(path, netstring(b"QUERY a.invalid")) == b"9:NOTFOUND ,"
            for _, writer in held:
                await closed(writer)
            # The service closes its side of the last ones.
            while left := others():
                await asyncio.wait(left)

    in_own_loop(attack())
    assert raised == []
