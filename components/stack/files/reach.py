"""Asks mail servers what a sender would ask them. Comes over SSH on standard input.

Arguments: JSON, a list of questions. {"greet": ADDRESS} asks port 25 there for its greeting;
{"mailbox": HOST, "port": N, "protocol": "smtp" or "lmtp", "helo": NAME, "recipient": ADDRESS or
null} asks whether the mailbox host takes mail. Prints a list of answers: {"greeting": TEXT} or
{"error": TEXT}; "unreachable": true when there is no route.
"""

from __future__ import annotations

import contextlib
import errno
import json
import smtplib
import socket
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

SECONDS = 10
_NO_ROUTE = {errno.ENETUNREACH, errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


def ask(question: dict[str, Any]) -> dict[str, Any]:
    """The answer to one question."""
    try:
        if "greet" in question:
            return {"greeting": greet(question["greet"], question.get("port", 25))}
        return {"greeting": mailbox(question)}
    except socket.gaierror as error:
        return {"error": f"the name does not resolve: {error.strerror}"}
    except OSError as error:
        return {"error": str(error), "unreachable": error.errno in _NO_ROUTE}


def greet(address: str, port: int) -> str:
    """The first line of the server. Raises OSError."""
    with socket.create_connection((address, port), SECONDS) as link:
        line = link.makefile("rb").readline(1000).decode("ascii", "replace").strip()
    if not line.startswith("220"):
        raise OSError(f"it answers {line!r}" if line else "it does not greet")
    return line


def mailbox(question: dict[str, Any]) -> str:
    """The greeting of a mailbox host that does not refuse a recipient. Raises OSError."""
    host, port, to = question["mailbox"], question["port"], question["recipient"]
    greeting = greet(host, port)
    if question["protocol"] != "smtp" or to is None:
        return greeting
    try:
        with contextlib.closing(smtplib.SMTP(host, port, question["helo"], SECONDS)) as client:
            client.ehlo()
            if client.has_extn("starttls"):
                # The question is whether mail is taken; Postfix judges the certificate.
                context = ssl.create_default_context()
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                client.starttls(context=context)
                client.ehlo()
            for verb, (code, text) in (
                ("MAIL FROM:<>", client.mail("<>")),
                (f"RCPT TO:<{to}>", client.rcpt(to)),
            ):
                # 4xx is no refusal: greylisting, or a server that is busy.
                if code >= 500:
                    raise OSError(f"{verb} is refused: {code} {text.decode(errors='replace')}")
    except smtplib.SMTPException as error:
        raise OSError(f"it greets and then fails: {error}") from None
    return greeting


if __name__ == "__main__":
    with ThreadPoolExecutor(16) as pool:
        print(json.dumps(list(pool.map(ask, json.loads(sys.argv[1])))))
