"""Somebody holds hundreds of idle connections: an honest sender still gets his banner."""

from __future__ import annotations

import json
import shlex

import pytest

from components.settings.postfix import PostfixSettings
from lab.topology import INTERNET, ipv4, ipv6

from .conftest import MX1, Ssh

pytestmark = pytest.mark.host

SHARE = PostfixSettings().client_connections
# Two addresses of IPv4, and two of one network of IPv6, which are one client.
HOLDERS = (
    *((ipv4(number), MX1) for number in INTERNET.numbers[:2]),
    *((ipv6(number), ipv6(11)) for number in INTERNET.numbers[:2]),
)
# 600 connections that never send anything; then one sender from another address, 20 times at once.
HOLD = """
import concurrent.futures, json, socket, sys
holders, honest, server = json.loads(sys.argv[1])
def connect(source, target, patience):
    link = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET)
    link.bind((source, 0))
    link.settimeout(patience)
    link.connect((target, 25))
    return link
def greeting(link):
    try:
        return link.recv(200).decode()[:4]
    except OSError as error:
        return type(error).__name__
def hold(number):
    source, target = holders[number % len(holders)]
    link = connect(source, target, 60)
    return link, greeting(link)
def send(number):
    link = connect(honest, server, 15)
    return link, greeting(link)
with concurrent.futures.ThreadPoolExecutor(600) as pool:
    held = list(pool.map(hold, range(600)))
    asked = list(pool.map(send, range(20)))
print(json.dumps([[said for _, said in each] for each in (held, asked)]))
"""


def test_six_hundred_idle_connections_of_a_few_clients_keep_no_sender_out(ssh: Ssh) -> None:
    given = json.dumps([HOLDERS, ipv4(INTERNET.numbers[-1]), MX1])
    program = shlex.join(["python3", "-c", HOLD, given])
    held, asked = json.loads(ssh("internet", f"ulimit -n 4096; {program}"))
    assert asked == ["220 "] * 20
    assert held.count("220 ") == 3 * SHARE
    assert held.count("421 ") == 600 - 3 * SHARE
