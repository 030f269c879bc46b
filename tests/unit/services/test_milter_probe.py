"""The probe of the filter: a socket that judges no message is none."""

from __future__ import annotations

import socket
import struct
import threading
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.programs import host_program
from tests.support.stacks import ROOT

FILE = ROOT / ("components/services/spam_filter/files/usr/local/lib/mx/mx_milter_probe.py")
QUIET = 0xFF0FF


def load() -> ModuleType:
    return host_program(FILE)


probe = load()


def milter(path: Path, silent: int, verdict: bytes) -> threading.Thread:
    """A milter for one session; `silent`: the flags of what it does not answer."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(1)

    def serve() -> None:
        link, _ = server.accept()
        with link, server:
            while True:
                command, _ = probe.read(link)
                if command == b"O":
                    link.sendall(probe.packet(b"O", struct.pack("!III", 6, 0, silent)))
                elif command == b"E":
                    link.sendall(probe.packet(b"h", b"X-Seen\0yes\0"))
                    if verdict:
                        link.sendall(verdict)
                    return
                elif not silent:
                    link.sendall(probe.packet(b"c"))

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.mark.parametrize("silent", [0, QUIET], ids=["answers_each", "answers_at_the_end"])
@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (b"a", ""),
        (b"c", ""),
        (b"r", ""),
        (b"t", "it puts mail off"),
        (b"y451 4.7.1 Redis is down\0", "it puts mail off: 451 4.7.1 Redis is down"),
        (b"", "the milter ended the session"),
    ],
    ids=["accepts", "continues", "rejects", "tempfails", "says_451", "dies"],
)
def test_only_a_verdict_on_a_whole_message_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], silent: int, verdict: bytes, words: str
) -> None:
    path = tmp_path / "milter.sock"
    packet = probe.packet(verdict[:1], verdict[1:]) if verdict else b""
    thread = milter(path, silent, packet)
    code = probe.main([str(path)])
    thread.join()
    assert code == (1 if words else 0)
    assert words in capsys.readouterr().err


def test_socket_that_nobody_serves_is_no_filter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert probe.main([str(tmp_path / "none.sock")]) == 1
    assert "no message passes the filter" in capsys.readouterr().err
