"""Somebody holds connections, or sends what costs much: an honest sender is still served."""

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


# What one client can ask for: bytes one by one, handshakes, recipients, headers without end.
COSTLY = """
import concurrent.futures, json, smtplib, socket, ssl, sys, time
attacker, honest, server = json.loads(sys.argv[1])
def session(source):
    return smtplib.SMTP(server, 25, "out.sender.test", 120, source_address=(source, 0))
def greeted():
    with session(honest) as client:
        return client.ehlo()[0]
def slow():
    links = [socket.create_connection((server, 25), 60, (attacker, 0)) for _ in range(300)]
    for _ in range(4):
        for link in links:
            try:
                link.sendall(b"E")
            except OSError:
                pass
    said = greeted()
    for link in links:
        link.close()
    return said
def handshakes():
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    def shake(_):
        with session(attacker) as client:
            return client.starttls(context=trust)[0]
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        shaken = pool.map(shake, range(200))
        return greeted(), sorted(set(shaken))
def recipients():
    with session(attacker) as client:
        client.ehlo()
        client.mail("a@sender.test")
        codes = [client.rcpt(f"alice+{n}@example.test")[0] for n in range(1010)]
    return greeted(), codes.index(452), codes.count(250)
def headers():
    line = b" " + b"a" * 990 + b"\\r\\n"
    heads = {
        "lines": b"".join(b"X-H%d: v\\r\\n" % n for n in range(100000)),
        "one header": b"X-Long: a\\r\\n" + line * 5000,
        "one line": b"X: " + b"a" * 2000000 + b"\\r\\n",
        "body": b"\\r\\n" + (b"a" * 76 + b"\\r\\n") * 350000,
    }
    said = {}
    for name, head in heads.items():
        with session(attacker) as client:
            client.ehlo()
            client.mail("a@sender.test")
            client.rcpt("alice@example.test")
            text = b"From: a@sender.test\\r\\nTo: alice@example.test\\r\\nSubject: h\\r\\n" + head
            said[name] = client.data(text + b"\\r\\nx\\r\\n")[0]
    return greeted(), said
print(json.dumps([slow(), handshakes(), recipients(), headers()]))
"""


def test_what_costs_much_is_limited_and_keeps_no_sender_out(ssh: Ssh) -> None:
    given = json.dumps([*map(ipv4, (INTERNET.numbers[0], INTERNET.numbers[-1])), MX1])
    program = shlex.join(["python3", "-c", COSTLY, given])
    slow, handshakes, recipients, headers = json.loads(ssh("internet", program))
    assert slow == 250
    assert handshakes == [250, [220]]
    assert recipients == [250, 1000, 1000]
    assert headers == [250, {"lines": 250, "one header": 250, "one line": 250, "body": 552}]
