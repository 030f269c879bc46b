"""A verifier of other authors on the lab's Internet host: SPF, DKIM, DMARC of what arrived there.

pyspf, dkimpy and authheaders, as Debian has them, ask the lab's validating resolver.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from lab import send
from lab.topology import INTERNET

from .conftest import Ssh, eventually

# Who sent it stands in what the receiving Postfix wrote above the message.
_PROGRAM = r"""
import json, re, sys
from email import message_from_bytes
from email.utils import parseaddr
from authheaders import authenticate_message
with open(sys.argv[1], "rb") as file:
    raw = file.read()
message = message_from_bytes(raw)
helo, address = re.match(
    r"from (\S+) \([^[]*\[(?:IPv6:)?([0-9a-f.:]+)\]\)", message.get_all("Received")[0]
).groups()
said = authenticate_message(
    raw, "out.sender.test", spf=True, dkim=True, dmarc=True, ip=address,
    mail_from=parseaddr(message["Return-Path"])[1], helo=helo,
)
print(json.dumps([address, " ".join(said.split())]))
"""


@dataclass(frozen=True)
class Verdict:
    """The client's address, and the header Authentication-Results (RFC 8601) about its message."""

    client: str
    results: str


def arrived(sent: send.Message) -> str:
    """The path of a message that arrived, on the host where it is."""
    eventually(lambda: send.delivered(sent) is not None, 60)
    path = send.delivered(sent)
    assert path is not None
    return f"/{path.relative_to(INTERNET.root)}"


def verdict(ssh: Ssh, sent: send.Message) -> Verdict:
    """What the verifier says of a message to an address at the lab's Internet host."""
    said = ssh("internet", f"python3 -W ignore - {arrived(sent)} <<'END'\n{_PROGRAM}\nEND")
    return Verdict(*json.loads(said))
