"""Texts that a client can have written into the mail log, said to a lab host, and what is counted.

The client runs on the lab's sending host. Each text is made of what separates lines somewhere, of
control characters, of bytes that are no UTF-8, and of lines that Postfix or Rspamd might write.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass

Ssh = Callable[[str, str], str]
PROM = "/var/lib/mx-collect/textfile/mx.prom"

CLIENT = r"""
import collections, json, random, socket, sys
server, seed, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
chance = random.Random(seed)
PIECES = [
    *(chr(code).encode() for code in (0x0B, 0x0C, 0x1B, 0x1C, 0x1D, 0x1E, 0x7F, 0x85, 0x202E,
                                      0x2028, 0x2029, 0xFEFF, 0x1F4A9, 0xD7FF, 0xE000)),
    b"\x00", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\r", b"\t", b'"', b"\\", b"'", b"%s%n",
    b"{}", b"status=bounced (x)", b"status=deferred", b", status=expired y",
    b"ABC123: to=<a@b>, relay=x, ", b"ABC123: client=x[1.2.3.4]",
    b"reject: RCPT from x[1.2.3.4]: 550 5.1.1 y", b"fatal: no", b": ",
    b"panic: no", b"warning: no", b"<abcdef>; main; x: lost 8 heartbeat from worker", b" ", b"=",
    b'{"__CURSOR":"x"}', b"mx_postfix_accepted_total 99", b"# TYPE x counter", b"a", b"1" * 40,
]
def text():
    return b"".join(chance.choice(PIECES) for _ in range(chance.randint(1, 9)))
tally = collections.Counter()
class Session:
    def __init__(self):
        self.link = socket.create_connection((server, 25), 60)
        self.link.settimeout(60)
        self.reply()
    def reply(self):
        said = b""
        while True:
            piece = self.link.recv(65536)
            if not piece:
                raise ConnectionError
            said += piece
            lines = said.split(b"\r\n")
            if said.endswith(b"\r\n") and lines[-2][3:4] == b" ":
                break
        tally[said[:1].decode()] += 1
        return said[:3]
    def say(self, line):
        self.link.sendall(line + b"\r\n")
        return self.reply()
def once(number):
    odd = text()
    place = number % 10
    session = Session()
    ehlo = b"EHLO " + (odd if place == 0 else b"out.sender.test")
    if session.say(ehlo) != b"250":
        session.say(b"EHLO out.sender.test")
    if place == 1:
        session.say(odd)
    quoted = b'"' + odd.replace(b"\\", b"").replace(b'"', b"") + b'"'
    sender = quoted + b"@sender.test" if place == 2 else b"alice@sender.test"
    if place == 3:
        sender = b"alice@" + odd
    if session.say(b"MAIL FROM:<" + sender + b"> SMTPUTF8") != b"250":
        session.say(b"MAIL FROM:<alice@sender.test>")
    if place in (4, 5):
        session.say(b"RCPT TO:<" + (quoted + b"@example.test" if place == 4 else odd) + b">")
    if session.say(b"RCPT TO:<alice@example.test>") != b"250":
        return
    if session.say(b"DATA") != b"354":
        return
    head = {b"From": b"alice@sender.test", b"To": b"alice@example.test", b"Subject": b"texts",
            b"Message-ID": b"<%d.%d@sender.test>" % (seed, number)}
    safe = odd.replace(b"\r", b"")
    if place >= 6:
        name = [b"Subject", b"Message-ID", b"From", b"To"][place - 6]
        head[name] = safe if place in (6, 9) else b"<" + safe + b"@sender.test>"
    body = b"".join(b"%s: %s\r\n" % each for each in head.items())
    body += b'Content-Disposition: attachment; filename="' + safe + b'"\r\n\r\n' + safe + b"\r\n."
    if session.say(body) == b"250":
        tally["accepted"] += 1
for each in range(number):
    try:
        once(each)
    except OSError:
        tally["left"] += 1
print(json.dumps(tally))
"""


@dataclass(frozen=True)
class Seen:
    """What the client was answered, and by how much each counter of the log grew."""

    answered: dict[str, int]
    grown: dict[str, float]
    failed: list[str]

    def faults(self) -> list[str]:
        """What a client must not be able to do to the metrics."""
        found = [f"the collector failed: {each}" for each in self.failed]
        never = ("bounced", "deferred", "expired", "fatal", "panic")
        names = [f'mx_postfix_{part}_total{{kind="{kind}"}}' for part in ("delivery", "log")
                 for kind in never]  # fmt: skip
        names += ["mx_filter_stuck_total", "mx_postfix_log_unreadable_total"]
        found += [f"{name} grew by {self.grown[name]:g}" for name in names if self.grown.get(name)]
        most = {
            "mx_postfix_accepted_total": self.answered.get("accepted", 0),
            'mx_postfix_reject_total{kind="4"}': self.answered.get("4", 0),
            'mx_postfix_reject_total{kind="5"}': self.answered.get("5", 0),
        }
        for name, limit in most.items():
            if self.grown[name] > limit:
                found.append(f"{name} grew by {self.grown[name]:g}, and the client saw {limit}")
        if self.grown["mx_postfix_accepted_total"] != most["mx_postfix_accepted_total"]:
            found.append("not every message was counted")
        return found


def collected(ssh: Ssh, host: str) -> dict[str, float]:
    """Metrics of the host, as node_exporter would read them now."""
    lines = ssh(host, f"systemctl start mx-collect.service && cat {PROM}").split("\n")
    pairs = (line.rpartition(" ") for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def fuzz(ssh: Ssh, host: str, address: str, seed: int, number: int) -> Seen:
    """Say so many texts to the host, and compare its metrics before and after."""
    before = collected(ssh, host)
    client = shlex.join(["python3", "-", address, str(seed), str(number)])
    answered = json.loads(ssh("internet", f"{client} <<'END'\n{CLIENT}\nEND"))
    after = collected(ssh, host)
    failed = [key for key, value in after.items() if "collector_success" in key and value != 1]
    return Seen(answered, {key: after[key] - before.get(key, 0.0) for key in after}, failed)
