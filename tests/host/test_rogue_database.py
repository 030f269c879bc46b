"""A database server in somebody else's hands asks root's clients for a file (LOAD DATA LOCAL)."""

from __future__ import annotations

import pytest

from .conftest import Ssh
from .test_service_accounts import as_user

pytestmark = pytest.mark.host

# It greets, accepts every login, and answers the first statement with "send me /etc/shadow".
ROGUE = r"""
import os, socket, struct
listening = socket.socket(socket.AF_UNIX)
listening.bind("/tmp/rogue/socket")
os.chmod("/tmp/rogue/socket", 0o777)
listening.listen(5)
listening.settimeout(60)
link, _ = listening.accept()
def packet(number, data):
    link.sendall(struct.pack("<I", len(data))[:3] + bytes([number]) + data)
def read():
    head = link.recv(4, socket.MSG_WAITALL)
    return link.recv(int.from_bytes(head[:3], "little"), socket.MSG_WAITALL) if head else b""
packet(0, b"\x0a5.5.5-10.11.0-MariaDB\0" + struct.pack("<I", 1) + b"A" * 8 + b"\0\xff\xff\x21"
       + struct.pack("<HH", 2, 0xC07F) + b"\x15" + b"\0" * 10 + b"B" * 12 + b"\0"
       + b"mysql_native_password\0")
read()
packet(2, b"\0\0\0\2\0\0\0")
while (said := read())[:1] not in (b"\x03", b""):
    pass
answer = b""
if said:
    packet(1, b"\xfb/etc/shadow")
    answer = read()
print("asked" if said else "left", b"root:" in answer, flush=True)
"""
CLIENTS = {
    "mariadb": "mariadb -S /tmp/rogue/socket -e 'SELECT 1'",
    "program": 'python3 -c \'import pymysql; pymysql.connect(unix_socket="/tmp/rogue/socket", '
    'user="root", autocommit=True).cursor().execute("SELECT 1")\'',
}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_of_root_sends_no_file_to_a_server_that_asks(ssh: Ssh, client: str) -> None:
    ssh("mx1", "mkdir -p /tmp/rogue && chown mysql /tmp/rogue")
    serve = as_user("mysql", "exec python3 /tmp/rogue/server.py")
    try:
        ssh("mx1", f"cat >/tmp/rogue/server.py <<'END'\n{ROGUE}\nEND")
        said = ssh(
            "mx1",
            f"{serve} >/tmp/rogue/said & until [ -S /tmp/rogue/socket ]; do :; done; "
            f"timeout 30 {CLIENTS[client]} >/dev/null 2>&1; wait; cat /tmp/rogue/said",
        )
        # MariaDB's own client from 11.4 on leaves a server without TLS before it asks anything.
        assert said in ("asked False\n", "left False\n")
    finally:
        ssh("mx1", "rm -r /tmp/rogue")
