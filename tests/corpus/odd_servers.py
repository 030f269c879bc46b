"""Servers that are no sshd, or one whose connection is cut; each after the client's greeting."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping

# So many bytes come from the sshd before the connection is cut.
_CUT_AFTER = 20000
_RESETS = struct.pack("ii", 1, 0)


def _greeting(client: socket.socket) -> None:
    text = b""
    while not text.endswith(b"\n"):
        byte = client.recv(1)
        if not byte:
            return
        text += byte


def _says(words: bytes) -> Callable[[socket.socket], None]:
    def serve(client: socket.socket) -> None:
        _greeting(client)
        client.sendall(words)

    return serve


def _resets(client: socket.socket) -> None:
    _greeting(client)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESETS)


def _cuts(host: str, port: int, *, resets: bool) -> Callable[[socket.socket], None]:
    def serve(client: socket.socket) -> None:
        with socket.create_connection((host, port)) as server:
            left = _CUT_AFTER
            # One thread: a socket that another one reads is not closed by closing it.
            while left:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(left)
                    if not data:
                        return
                    (server if source is client else client).sendall(data)
                    left -= len(data) if source is server else 0
            if resets:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESETS)

    return serve


@contextlib.contextmanager
def odd_servers(host: str, port: int) -> Iterator[Mapping[str, int]]:
    """The servers; the placeholder of each with its port. An sshd is at `host` and `port`."""
    kinds = {
        "CLOSING_PORT": _says(b""),
        "GARBAGE_PORT": _says(b"hello\r\nthis is no ssh\r\n" * 5),
        "HTTP_PORT": _says(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
        "OLD_PORT": _says(b"SSH-1.5-old\r\n"),
        "FULL_PORT": _says(b"Exceeded MaxStartups\r\n"),
        "RESET_PORT": _resets,
        "CUT_PORT": _cuts(host, port, resets=False),
        "CUT_RESET_PORT": _cuts(host, port, resets=True),
    }
    with contextlib.ExitStack() as stack:
        found = {}
        for name, serve in kinds.items():
            listener = stack.enter_context(socket.create_server((host, 0)))
            # shutdown wakes the thread that accepts.
            stack.callback(listener.shutdown, socket.SHUT_RDWR)
            threading.Thread(target=_accept, args=(listener, serve), daemon=True).start()
            found[name] = listener.getsockname()[1]
        yield found


def _accept(listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client, contextlib.suppress(OSError):
            serve(client)
