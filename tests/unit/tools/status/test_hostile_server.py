"""What a hostile MX host of somebody else can do to `mx status`: have a finding, nothing more."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from tools.status.smtp import Offer, Smtp

ESCAPES = b"\x1b]0;owned\x07\x1b[2J\x1b[Hnothing wrong: 0 faults\x1b[8m"
ANSWERS: dict[str, dict[bytes, bytes]] = {
    "draws_on_the_terminal": {b"EHLO": b"500 " + ESCAPES + b"\r\n", b"HELO": b"500 no\r\n"},
    "refuses_tls_with_bytes": {
        b"EHLO": b"250-x\r\n250 STARTTLS\r\n",
        b"STAR": b"454 \xff\xfe\r\n",
    },
    "never_stops_talking": {b"EHLO": b"250-" + b"A" * 900 + b"\r\n" + b"250-x\r\n" * 20000},
    "talks_no_tls": {
        b"EHLO": b"250-x\r\n250 STARTTLS\r\n",
        b"STAR": b"220 go\r\nNOT TLS AT ALL " * 100,
    },
    "answers_no_code": {
        b"EHLO": b"250-x\r\n250 STARTTLS\r\n",
        b"RCPT": b"\xff\xff\xff\r\n",
        b"MAIL": b"250\r\n",
        b"STAR": b"\xff\r\n",
    },
}


@contextlib.contextmanager
def server(answers: dict[bytes, bytes]) -> Iterator[int]:
    """A server on loopback with an answer for the first four letters of a command; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            with link, contextlib.suppress(OSError):
                link.sendall(b"220 x\r\n")
                for line in link.makefile("rb"):
                    link.sendall(answers.get(line[:4].upper(), b"250 ok\r\n"))
                    if line[:4].upper() == b"QUIT":
                        break

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize("state", ANSWERS)
def test_a_hostile_server_is_a_finding(state: str) -> None:
    with server(ANSWERS[state]) as port:
        smtp = Smtp("here.test", port=port, seconds=2)
        smtp.greet("x.test", "127.0.0.1", "d.test")
        assert smtp.handshake("x.test", "127.0.0.1", Offer()).error


def test_a_server_that_answers_quit_with_250_is_not_broken() -> None:
    with server({b"EHLO": b"250 x\r\n"}) as port:
        assert Smtp("h.test", port=port, seconds=2).greet("x", "127.0.0.1", "d.test").error is None
