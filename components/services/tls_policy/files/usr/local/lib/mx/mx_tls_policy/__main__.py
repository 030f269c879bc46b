"""`serve ADDRESS:PORT STS_ADDRESS:PORT` for Postfix; `ask ADDRESS:PORT KEY` for people."""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import sys

from . import dane, policy, socketmap


async def _talk(
    sts: policy.Ask, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One client: smtp(8) asks many questions over one connection, one after the other."""
    try:
        while (request := await socketmap.read(reader)) is not None:
            key = request.partition(" ")[2]
            writer.write(socketmap.write(await policy.answer(key, dane.resolve, sts)))
            await writer.drain()
    except (socketmap.ProtocolError, ConnectionError) as error:
        print(f"a client is left: {error}", file=sys.stderr, flush=True)
    finally:
        writer.close()


def _ready() -> None:
    """Tell systemd that questions are answered now (sd_notify(3))."""
    path = os.environ.get("NOTIFY_SOCKET")
    if path is not None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.connect("\0" + path[1:] if path.startswith("@") else path)
            link.send(b"READY=1")


async def _serve(address: tuple[str, int], sts: tuple[str, int]) -> None:
    ask = functools.partial(socketmap.ask, sts)
    server = await asyncio.start_server(functools.partial(_talk, ask), *address)
    _ready()
    await server.serve_forever()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main() -> int:
    """Exit codes: 0 answered, 1 TEMP or no answer, 2 usage."""
    match sys.argv[1:]:
        case ["serve", address, sts]:
            asyncio.run(_serve(_address(address), _address(sts)))
        case ["ask", address, key]:
            try:
                said = asyncio.run(socketmap.ask(_address(address), key))
            except (OSError, socketmap.ProtocolError) as error:
                print(f"no answer: {error}", file=sys.stderr)
                return 1
            print(said)
            return 1 if said.startswith("TEMP") else 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
