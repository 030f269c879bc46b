"""Whether a milter judges messages: it is given one, as smtpd(8) would give it.

usage: mx_milter_probe.py SOCKET

A socket that is there, and a worker that takes connections, are no filter yet: Postfix puts all
mail off while the answer to a whole message is missing or temporary. The message is from nobody to
nobody (RFC 2606) and goes nowhere. Protocol: version 6, as MILTER_README and libmilter's mfdef.h.

Exit codes: 0 judged, 1 not, with the reason on standard error; 64 a wrong call.
"""

from __future__ import annotations

import socket
import struct
import sys

SECONDS = 30
NOBODY = b"<mx-probe@mx-probe.invalid>"
_VERSION, _ACTIONS = 6, 0x1FF
_LONGEST_PACKET = 1 << 20
_FINAL = b"acdrty"
# Each command of a message with the flag by which a milter says that it does not answer it.
_MESSAGE = (
    (b"C", b"localhost\0" + b"4" + struct.pack("!H", 25) + b"127.0.0.1\0", 0x1000),
    (b"H", b"localhost\0", 0x2000),
    (b"M", NOBODY + b"\0", 0x4000),
    (b"R", NOBODY + b"\0", 0x8000),
    (b"T", b"", 0x10000),
    (b"L", b"From\0" + NOBODY + b"\0", 0x80),
    (b"L", b"Subject\0probe\0", 0x80),
    (b"N", b"", 0x40000),
    (b"B", b"probe\r\n", 0x80000),
)


def packet(command: bytes, data: bytes = b"") -> bytes:
    """A packet: length, command, data."""
    return struct.pack("!I", len(data) + 1) + command + data


def _exactly(link: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = link.recv(size - len(found))
        if not part:
            raise ValueError("the milter ended the session")
        found += part
    return found


def read(link: socket.socket) -> tuple[bytes, bytes]:
    """The next answer and its data. Raises OSError, or ValueError when it is none."""
    (size,) = struct.unpack("!I", _exactly(link, 4))
    if not 0 < size <= _LONGEST_PACKET:
        raise ValueError(f"a packet of {size} bytes")
    data = _exactly(link, size)
    return data[:1], data[1:]


def judged(link: socket.socket) -> None:
    """Give the milter a message. Raises OSError, or ValueError when it does not judge it."""
    link.sendall(packet(b"O", struct.pack("!III", _VERSION, _ACTIONS, 0)))
    answer, data = read(link)
    if answer != b"O" or len(data) < 12:
        raise ValueError(f"it answers {answer!r} to the first question")
    _, _, silent = struct.unpack("!III", data[:12])
    for command, data, flag in _MESSAGE:
        link.sendall(packet(command, data))
        if not silent & flag:
            _refuse_temporary(*read(link))
    link.sendall(packet(b"E"))
    while True:
        answer, data = read(link)
        if answer in _FINAL:
            _refuse_temporary(answer, data)
            return


def _refuse_temporary(answer: bytes, data: bytes) -> None:
    """What Postfix would put mail off for."""
    if answer == b"t":
        raise ValueError("it puts mail off")
    if answer == b"y" and data[:1] == b"4":
        raise ValueError(f"it puts mail off: {data.rstrip(bytes(1)).decode(errors='replace')}")


def main(arguments: list[str]) -> int:
    """Ask the milter at the socket; return the exit code."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 64
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(SECONDS)
            link.connect(arguments[0])
            judged(link)
    except (OSError, ValueError) as error:
        print(f"no message passes the filter: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
