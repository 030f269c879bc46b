"""Sending a message through the lab and following it into the Maildir."""

from __future__ import annotations

import re
import sys
import time
import uuid
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from lab import container, postfix
from lab.system import LabError, run
from lab.topology import EXCHANGERS, INTERNET, MAILBOX1, Host, host

_QUEUE_ID = re.compile(r"/cleanup\[\d+\]: (\w+): message-id=")
_SMTP = """
import smtplib, sys
address, sender, recipient = sys.argv[1:4]
with smtplib.SMTP(address, 25, local_hostname="out.sender.test", timeout=20) as smtp:
    smtp.set_debuglevel(1)
    smtp.ehlo()
    if smtp.has_extn("starttls"):
        smtp.starttls()
        smtp.ehlo()
    smtp.sendmail(sender, [recipient], sys.stdin.buffer.read())
"""


@dataclass(frozen=True)
class Message:
    """A message to send."""

    sender: str
    recipient: str
    subject: str = "lab message"
    body: str = "A message of the lab.\n"
    message_id: str = field(default_factory=lambda: f"<{uuid.uuid4().hex}@{INTERNET.fqdn}>")

    def text(self) -> str:
        """Return the message as it is sent."""
        mail = EmailMessage()
        mail["From"] = self.sender
        mail["To"] = self.recipient
        mail["Subject"] = self.subject
        mail["Date"] = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
        mail["Message-ID"] = self.message_id
        mail.set_content(self.body)
        return mail.as_string()


def inject(message: Message, via: str | None) -> None:
    """Put the message in internet's queue, or give it straight to a host."""
    if via is None:
        command = ["sendmail", "-i", "-f", message.sender, message.recipient]
        container.inside(INTERNET, command, stdin=message.text())
        return
    client = [sys.executable, "-c", _SMTP, host(via).address, message.sender, message.recipient]
    run(["ip", "netns", "exec", INTERNET.netns, *client], stdin=message.text())


def delivered(message: Message) -> Path | None:
    """Return the file of the message in its Maildir, once it is there."""
    for root in (MAILBOX1.root, INTERNET.root):
        for path in postfix.maildir(root, message.recipient).glob("new/*"):
            if message.message_id in path.read_text(errors="replace"):
                return path
    return None


def log(place: Host) -> list[str]:
    """Return the mail log of a host: its log file, or else its journal."""
    path = place.root / "var/log/mail.log"
    if path.exists():
        return path.read_text(errors="replace").splitlines()
    journal = ["journalctl", "--no-pager", "--output=short-iso", "--boot"]
    return container.inside(place, journal, check=False).splitlines()


def trace(message: Message) -> dict[str, list[str]]:
    """Return the log lines about the message, by host."""
    found: dict[str, list[str]] = {}
    for place in (INTERNET, *EXCHANGERS, MAILBOX1):
        lines = log(place)
        queue_ids = {
            match[1]
            for line in lines
            if message.message_id in line and (match := _QUEUE_ID.search(line))
        }
        marks = [message.message_id.strip("<>"), *(f" {number}:" for number in queue_ids)]
        if kept := [line for line in lines if any(mark in line for mark in marks)]:
            found[place.name] = [f"queue ids: {' '.join(sorted(queue_ids)) or 'none'}", *kept]
    return found


def send(message: Message, via: str | None, seconds: float) -> int:
    """Send a message, wait for it in the Maildir and print its way; 1 when it is not there."""
    if container.leader(INTERNET) is None:
        raise LabError("the lab is not up: 'lab up' first")
    inject(message, via)
    deadline = time.monotonic() + seconds
    path = delivered(message)
    while path is None and time.monotonic() < deadline:
        time.sleep(0.2)
        path = delivered(message)
    for name, lines in trace(message).items():
        print(f"{name}: {lines[0]}")
        for line in lines[1:]:
            print(f"  {line}")
    if path is None:
        raise LabError(f"{message.message_id} is in no Maildir after {seconds:.0f} s")
    print(f"delivered: {path}")
    return 0
