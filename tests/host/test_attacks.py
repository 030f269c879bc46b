"""Attacks that held when they were first tried, from strangers and from users of the host."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from .conftest import MX1, Ssh
from .test_spam_filter import arrived, message, offer

pytestmark = pytest.mark.host

# Ends of data that one server takes for an end and another does not (CVE-2023-51764).
SMUGGLE = r"""
import json, socket, sys
ENDS = {
    "lf.lf": b"\n.\n", "lf.crlf": b"\n.\r\n", "crlf.lf": b"\r\n.\n", "cr.cr": b"\r.\r",
    "crlf.cr": b"\r\n.\r", "cr.crlf": b"\r.\r\n", "lf.cr": b"\n.\r", "nul": b"\r\n\0.\r\n",
    "nul after": b"\r\n.\0\r\n", "two dots": b"\r\n..\r\n", "crcrlf": b"\r\r\n.\r\r\n",
    "lf nul": b"\n.\n\0",
}
HEAD = b"From: a@sender.test\r\nTo: alice@example.test\r\nMessage-ID: <%s@sender.test>\r\n"
SECOND = (
    b"MAIL FROM:<admin@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
    b"From: admin@example.test\r\nSubject: smuggled\r\n\r\nevil\r\n.\r\n"
)
answers = {}
for name, end in ENDS.items():
    with socket.create_connection((sys.argv[1], 25), 60) as link:
        replies = link.makefile("rb")
        def reply():
            while (line := replies.readline())[3:4] == b"-":
                pass
            return line
        reply()
        for line in (b"EHLO out.sender.test", b"MAIL FROM:<a@sender.test>",
                     b"RCPT TO:<alice@example.test>", b"DATA"):
            link.sendall(line + b"\r\n")
            reply()
        mark = name.encode().hex().encode()
        link.sendall(HEAD % mark + b"Subject: outer\r\n\r\nfirst" + end + SECOND + b"QUIT\r\n")
        answers[name] = [line.decode()[:3] for line in replies]
print(json.dumps(answers))
"""
# Netstrings that are none, and questions that no Postfix asks (socketmap_table(5)).
MALFORMED = r"""
import collections, random, socket
chance, seen = random.Random(7), collections.Counter()
def netstring(data):
    return b"%d:%s," % (len(data), data)
def ask(raw):
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(60)
        link.connect("/var/spool/postfix/mx-tls-policy/policy.sock")
        try:
            link.sendall(raw)
            link.shutdown(socket.SHUT_WR)
            return link.recv(65536)
        except ConnectionError:
            return b""
for number in range(400):
    kind = number % 7
    noise = bytes(chance.randrange(256) for _ in range(chance.randrange(60)))
    raw = (
        noise, b"%d:QUERY x.invalid," % chance.choice([-1, 0, 5, 17, 99999, 10**9]),
        b"0" * chance.randrange(1, 9) + b"5:hello,", netstring(b"QUERY " + noise),
        netstring(b"QUERY x.invalid")[: chance.randrange(1, 18)],
        b"9" * chance.randrange(1, 70000), netstring(b"QUERY sender.test:" + b"9" * 5000),
    )[kind]
    ask(raw)
print(ask(netstring(b"QUERY localhost")).decode())
"""


def test_no_end_of_data_smuggles_a_second_message(ssh: Ssh) -> None:
    client = shlex.join(["python3", "-", MX1])
    answers = json.loads(ssh("internet", f"{client} <<'END'\n{SMUGGLE}\nEND"))
    assert len(answers) == 12
    # One answer for the whole, or a refusal; none is "250 ok" to the second MAIL FROM.
    assert {name: said for name, said in answers.items() if len(said) > 2} == {}
    sent = message("after smuggling")
    assert offer(sent)[0] == 250
    arrived(sent)
    assert ssh("mailbox1", "grep -rl evil /var/mail/example.test/bob | wc -l") == "0\n"


def test_a_dictionary_attack_is_ended(ssh: Ssh) -> None:
    guess = (
        "import smtplib; c = smtplib.SMTP('{}', 25, 'out.sender.test', timeout=120); c.ehlo(); "
        "c.mail('a@sender.test'); said = 0, b''; asked = 0\n"
        "while said[0] != 421: said = c.rcpt(f'nobody{{asked}}@example.test'); asked += 1\n"
        "print(asked)"
    )
    assert int(ssh("internet", f'python3 -c "{guess.format(MX1)}"')) <= 25


def test_malformed_questions_do_not_stop_the_tls_policy_service(ssh: Ssh) -> None:
    restarts = "systemctl show -p NRestarts --value mx-tls-policy.service"
    before = ssh("mx1", restarts)
    said = ssh("mx1", f"python3 - <<'END'\n{MALFORMED}\nEND")
    assert re.fullmatch(r"\d+:(NOTFOUND |OK .*),\n", said)
    assert ssh("mx1", restarts) == before
