"""`serve STS_SOCKET` for Postfix, on the socket that systemd hands over (sd_listen_fds(3)).

`ask SOCKET KEY` is for people.
"""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import sys

from . import dane, policy, shown, socketmap

_FIRST_FD = 3
# Postfix keeps a connection for ten seconds after a question, at most (socketmap_table(5)).
_IDLE_SECONDS = 60.0


async def _talk(
    sts: policy.Ask, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One client: smtp(8) asks many questions over one connection, one after the other."""
    try:
        while (
            request := await asyncio.wait_for(socketmap.read(reader), _IDLE_SECONDS)
        ) is not None:
            key = request.partition(" ")[2]
            writer.write(socketmap.write(await policy.answer(key, dane.resolve, sts)))
            await asyncio.wait_for(writer.drain(), _IDLE_SECONDS)
    except TimeoutError:
        pass  # an idle client must not keep others out
    except (socketmap.ProtocolError, ConnectionError) as error:
        print(shown.line(f"a client is left: {error}"), file=sys.stderr, flush=True)
    finally:
        writer.close()


def _ready() -> None:
    """Tell systemd that questions are answered now (sd_notify(3))."""
    path = os.environ.get("NOTIFY_SOCKET")
    if path is not None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.connect("\0" + path[1:] if path.startswith("@") else path)
            link.send(b"READY=1")


async def _serve(sts: str) -> None:
    ask = functools.partial(socketmap.ask, sts)
    listening = socket.socket(fileno=_FIRST_FD)
    # Not start_unix_server(), which from Python 3.13 on would take the socket's file away.
    server = await asyncio.start_server(functools.partial(_talk, ask), sock=listening)
    _ready()
    await server.serve_forever()


def main() -> int:
    """Exit codes: 0 answered, 1 TEMP or no answer, 2 usage."""
    match sys.argv[1:]:
        case ["serve", sts]:
            asyncio.run(_serve(sts))
        case ["ask", path, key]:
            try:
                said = asyncio.run(socketmap.ask(path, key))
            except (OSError, socketmap.ProtocolError) as error:
                print(shown.line(f"no answer: {error}"), file=sys.stderr)
                return 1
            print(shown.line(said))
            return 1 if said.startswith("TEMP") else 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
