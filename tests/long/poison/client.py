"""`SERVER KIND`: six poisoned messages of a kind at once, and two honest ones a second.

Runs on a sending host with Python's standard library alone. Prints one line of JSON: the answers to
the poisoned messages; how often, with which words and for how long an honest message was put off
(seconds until it was accepted, each tried again after a second), and how many were never accepted.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import random
import smtplib
import sys
import threading
import time
import zipfile
from collections import Counter

HEAD = "From: alice@sender.test\r\nTo: alice@example.test\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
AT_ONCE, SECONDS = 6, 60
# A host takes fewer a minute from one address for one recipient (spamFilter.rateLimits).
HONEST = ("bob@example.test", "abuse@example.test", "postmaster@example.test")


def attached(kind: str, name: str, data: bytes) -> bytes:
    """A message with one attachment."""
    text = base64.encodebytes(data).replace(b"\n", b"\r\n")
    head = (
        f"{HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        f'Content-Type: {kind}; name="{name}"'
        "\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode() + text + b"--b--\r\n"


def nested() -> bytes:
    """Messages within messages (upstream 562c7bee0 of Rspamd)."""
    return HEAD.encode() + b"Content-Type: message/rfc822\r\n\r\n" * 60000


def long_words() -> bytes:
    """20 MB of words of a letter and of words that never end."""
    chance = random.Random(1)
    line = b" ".join(bytes([chance.randrange(97, 123)]) * 4 for _ in range(15)) + b"\r\n"
    return HEAD.encode() + b"\r\n" + line * 130000 + (b"a" * 900 + b"\r\n") * 10000


def archives() -> bytes:
    """A zip of 100,000 names with a gzip of 512 MB in it."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        for number in range(100000):
            file.writestr(f"a{number}", b"")
        file.writestr("bomb.gz", gzip.compress(bytes(1 << 29), 9))
    return attached("application/zip", "many.zip", held.getvalue())


def multiparts() -> bytes:
    """Multiparts within multiparts, each with a boundary of its own."""
    parts = "".join(
        f"--b{n}\r\nContent-Type: multipart/mixed; boundary=b{n + 1}\r\n\r\n" for n in range(20000)
    )
    return f"{HEAD}Content-Type: multipart/mixed; boundary=b0\r\n\r\n{parts}".encode()


def links() -> bytes:
    """200,000 links to different hosts, in tags that are never closed."""
    text = b"".join(
        b'<div><a href="http://h%d.sender.test/%d">x</a>' % (n, n) for n in range(200000)
    )
    return attached("text/html", "links.html", text)


KINDS = {each.__name__: each for each in (nested, long_words, archives, multiparts, links)}


def offer(server: str, text: bytes, recipient: str) -> str:
    """Offer a message once; `250`, the words of another answer, or what went wrong."""
    try:
        with smtplib.SMTP(server, 25, "out.sender.test", timeout=300) as client:
            client.sendmail("alice@sender.test", [recipient], text)
    except smtplib.SMTPRecipientsRefused as refused:
        code, words = next(iter(refused.recipients.values()))
        return f"{code} {words.decode(errors='replace')}"
    except smtplib.SMTPResponseException as refused:
        said = refused.smtp_error
        return f"{refused.smtp_code} {said if isinstance(said, str) else said.decode()}"
    except (OSError, smtplib.SMTPException) as error:
        return type(error).__name__
    return "250"


def main(server: str, kind: str) -> None:
    """Offer, and print what was seen."""
    text = KINDS[kind]()
    poisoned: list[tuple[str, float]] = []
    honest: list[tuple[float, int]] = []
    lost: list[str] = []
    refusals: Counter[str] = Counter()

    def poison() -> None:
        begin = time.monotonic()
        poisoned.append((offer(server, text, "alice@example.test"), time.monotonic() - begin))

    def send(number: int) -> None:
        begin, tries, said = time.monotonic(), 0, ""
        name = f"{kind}-{number}-{begin}"
        body = f"{HEAD}Message-ID: <{name}@sender.test>\r\n\r\nMessage {name} of the stream.\r\n"
        while time.monotonic() - begin < 240:
            said = offer(server, body.encode(), HONEST[number % len(HONEST)])
            tries += 1
            if said == "250":
                honest.append((time.monotonic() - begin, tries))
                return
            refusals[said] += 1
            time.sleep(1)
        lost.append(said)

    jobs = [threading.Thread(target=poison) for _ in range(AT_ONCE)]
    for job in jobs:
        job.start()
    for number in range(SECONDS * 2):
        jobs.append(threading.Thread(target=send, args=(number,)))
        jobs[-1].start()
        time.sleep(0.5)
    for job in jobs:
        job.join()
    seconds = sorted(each for each, _ in honest)
    print(
        json.dumps(
            {
                "kind": kind,
                "megabytes": round(len(text) / 1e6, 1),
                "poisoned": Counter(said for said, _ in poisoned),
                "slowest poisoned": round(max(each for _, each in poisoned), 1),
                "honest": len(honest),
                "lost": len(lost),
                "refusals": refusals,
                "refused at first": sum(tries > 1 for _, tries in honest),
                "longest refusal": round(
                    max((s for s, tries in honest if tries > 1), default=0), 1
                ),
                "median": round(seconds[len(seconds) // 2], 2),
                "slowest": round(seconds[-1], 1),
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
