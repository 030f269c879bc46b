"""Servers that answer mx status oddly: each is told in a line, and none stops the command."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from tools.status.smtp import Offer, Smtp

Serve = Callable[[dict[bytes, bytes]], Smtp]
DRAWS = b"\x1b]0;owned\x07\x1b[2J\x1b[Hnothing wrong: 0 faults\x1b[8m"


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that answers a verb's first four letters as given, others with 250."""
    listeners = []

    def start(answers: dict[bytes, bytes]) -> Smtp:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def talk(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                connection.settimeout(10)
                connection.sendall(b"220 x\r\n")
                for line in connection.makefile("rb"):
                    connection.sendall(answers.get(line[:4].upper(), b"250 ok\r\n"))

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=talk, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return Smtp("here.test", port=listener.getsockname()[1], seconds=5)

    yield start
    for listener in listeners:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


TLS = b"250-x\r\n250 STARTTLS\r\n"
# Answers by verb, and how the errors of greeting and handshake begin; None: there is none.
ODD: dict[str, tuple[dict[bytes, bytes], str | None, str | None]] = {
    "QUIT is answered with 250": (
        {b"EHLO": b"250 x\r\n"},
        None,
        "STARTTLS extension not supported",
    ),
    "EHLO draws": (
        {b"EHLO": b"500 " + DRAWS + b"\r\n", b"HELO": b"500 no\r\n"},
        "EHLO was answered with 500 ",
        "the answer was 500 no",
    ),
    "STARTTLS is refused in no charset": (
        {b"EHLO": TLS, b"STAR": b"454 \xff\xfe\r\n"},
        None,
        "the answer was 454 \ufffd\ufffd",
    ),
    "an EHLO of 20,000 lines": (
        {b"EHLO": b"250-" + b"A" * 900 + b"\r\n" + b"250-x\r\n" * 20_000 + b"250 x\r\n"},
        None,
        "STARTTLS extension not supported",
    ),
    "an EHLO line without end": ({b"EHLO": b"250-" + b"A" * 9_000}, "the answer was 500", ""),
    "no TLS after STARTTLS": (
        {b"EHLO": TLS, b"STAR": b"220 go\r\n" + b"NOT TLS AT ALL " * 100},
        None,
        "WRONG_VERSION_NUMBER",
    ),
    "a code that is none": ({b"EHLO": TLS, b"RCPT": b"\xff\xff\xff\r\n"}, None, "the answer was"),
}


@pytest.mark.parametrize("state", ODD)
def test_a_server_is_told_of_and_stops_nothing_when(state: str, serve: Serve) -> None:
    answers, greeting, handshake = ODD[state]
    smtp = serve(answers)
    greeted = smtp.greet("x", "127.0.0.1", "example.test").error
    shaken = smtp.handshake("x", "127.0.0.1", Offer()).error
    for said, wanted in ((greeted, greeting), (shaken, handshake)):
        assert (said is None) == (wanted is None)
        assert (said or "").startswith(wanted or "")
