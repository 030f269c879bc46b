"""A mailbox host with faults, in the network namespace of the real one; argv: PORT MODE.

refusing421, refusing451: a temporary refusal of every session, or of every recipient.
full: 452 at the end of the message. silent: takes connections and never answers.
slow: one octet of each reply in 0.2 s, and stores. cut: ends the connection at the end of the
message, which nobody stored. stored: the same, and it was stored.
"""

from __future__ import annotations

import smtplib
import socket
import socketserver
import sys
import time

MODES = ("refusing421", "refusing451", "full", "silent", "slow", "cut", "stored")


class Session(socketserver.StreamRequestHandler):
    """One SMTP session; what is stored goes to the real server on loopback."""

    mode = MODES[0]

    def say(self, reply: str) -> None:
        """Send a reply line."""
        octets = f"{reply}\r\n".encode()
        if self.mode != "slow":
            self.wfile.write(octets)
            return
        for octet in octets:
            self.wfile.write(bytes([octet]))
            time.sleep(0.2)

    def handle(self) -> None:
        """Speak to one client until one of both ends it."""
        if self.mode == "silent":
            self.rfile.read()
            return
        if self.mode == "refusing421":
            self.say("421 4.3.2 mailbox1 is not ready")
            return
        self.say("220 mailbox1.example.test ESMTP")
        sender, recipients = "", list[str]()
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb in (b"EHLO", b"HELO"):
                self.say("250-mailbox1.example.test")
                self.say("250 8BITMIME")
            elif verb == b"MAIL":
                sender, recipients = _path(line), []
                self.say("250 2.1.0 ok")
            elif verb == b"RCPT":
                recipients.append(_path(line))
                self.say("451 4.2.0 not now" if self.mode == "refusing451" else "250 2.1.5 ok")
            elif verb == b"DATA":
                self.say("354 go on")
                if not self.end_of_message(sender, recipients):
                    return
            elif verb == b"QUIT":
                self.say("221 2.0.0 bye")
                return
            else:
                self.say("250 2.0.0 ok")

    def end_of_message(self, sender: str, recipients: list[str]) -> bool:
        """Read the message and do with it what the mode is; whether the session goes on."""
        lines = list[bytes]()
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if self.mode in ("slow", "stored"):
            with smtplib.SMTP("127.0.0.1", 25, "mailbox1.example.test", timeout=60) as real:
                real.sendmail(sender, recipients, b"".join(lines), ("BODY=8BITMIME",))
        if self.mode in ("cut", "stored"):
            return False
        self.say("452 4.2.2 no room" if self.mode == "full" else "250 2.0.0 stored")
        return True


def _path(line: bytes) -> str:
    """The address of MAIL or RCPT."""
    return line.partition(b"<")[2].partition(b">")[0].decode()


class Server(socketserver.ThreadingTCPServer):
    """Listens on both families."""

    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 100


if __name__ == "__main__":
    Session.mode = sys.argv[2]
    Server(("::", int(sys.argv[1])), Session).serve_forever()
