"""The network of one real Postfix: a stranger, a name server and the log.

Postfix runs in a network namespace of its own, joined by a veth pair to the namespace of this
program. The program is a stranger to it: 203.0.113.5 talks to 198.51.100.10, and nothing leaves the
machine. Each network ends with its sockets, so that one run can try several Postfixes in turn.
"""

from __future__ import annotations

import contextlib
import os
import socket
import socketserver
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.serving import running

HOST, STRANGER = "198.51.100.10", "203.0.113.5"


class _Names(socketserver.BaseRequestHandler):
    """Answers every question: names have an address, DNS lists know nobody."""

    def handle(self) -> None:
        query, sock = self.request
        end = query.index(b"\0", 12) + 1
        kind = struct.unpack("!H", query[end : end + 2])[0]
        name = query[12:end].lower()
        listed = name.startswith(b"\x015\x03113")
        answer = b""
        if kind == 1 and not listed:
            answer = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04" + socket.inet_aton(STRANGER)
        elif kind == 12:
            target = b"\x06client\x07example\0"
            answer = b"\xc0\x0c\0\x0c\0\x01\0\0\0\x3c" + struct.pack("!H", len(target)) + target
        code = 0x8183 if listed and kind != 12 else 0x8180
        header = query[:2] + struct.pack("!5H", code, 1, 1 if answer else 0, 0, 0)
        sock.sendto(header + query[12 : end + 4] + answer, self.client_address)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@contextlib.contextmanager
def namespace() -> Iterator[int]:
    """A namespace joined to this one, with a name server; gives the PID of a process in it."""
    holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    inside = ("nsenter", f"--net=/proc/{holder.pid}/ns/net")
    try:
        own = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{holder.pid}/ns/net") == own:
            time.sleep(0.05)
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "link", "add", "outside", "type", "veth", "peer", "name", "inside")
        try:
            _run("ip", "link", "set", "inside", "netns", str(holder.pid))
            _run("ip", "addr", "add", f"{STRANGER}/32", "dev", "outside")
            _run("ip", "link", "set", "outside", "up")
            _run("ip", "route", "add", HOST, "dev", "outside")
            _run(*inside, "ip", "link", "set", "lo", "up")
            _run(*inside, "ip", "addr", "add", f"{HOST}/32", "dev", "inside")
            _run(*inside, "ip", "link", "set", "inside", "up")
            _run(*inside, "ip", "route", "add", STRANGER, "dev", "inside")
            with running(socketserver.UDPServer((STRANGER, 53), _Names)):
                yield holder.pid
        finally:
            # The kernel removes the pair some time after the other namespace is gone.
            _run("ip", "link", "del", "outside")
    finally:
        holder.kill()
        holder.wait()


@contextlib.contextmanager
def log(path: Path, lines: list[str]) -> Iterator[None]:
    """Listen at the socket of syslog(3), and add what is logged to `lines`."""

    class Line(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            lines.append(self.request[0].decode("utf-8", "replace"))

    class Server(socketserver.UnixDatagramServer):
        max_packet_size = 65536

    path.unlink(missing_ok=True)
    server = Server(str(path), Line)
    path.chmod(0o666)
    with running(server):
        yield
