"""What strangers may not do: stop the filter, have notices sent, write as our own domain."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

import pytest

from lab import send
from lab.topology import INTERNET

from .conftest import MX1, Ssh
from .test_spam_filter import OFFER, arrived, message

pytestmark = pytest.mark.host

NESTED = "Content-Type: message/rfc822\n\n"
# Six at once; a small message each half second must be accepted within seconds.
POISON = """
import smtplib, sys, threading, time
bodies = [unit * count for unit, count in (
    ("Content-Type: message/rfc822\\r\\n\\r\\n", 20000),
    ("Content-Type: message/rfc822\\r\\n\\r\\n--x\\r\\n", 8000),
    ("Content-Type:\\r\\n\\tmessage/global\\r\\n\\r\\n", 20000),
) for _ in range(2)]
poisoned, honest = [], []
def offer(text, said):
    start = time.monotonic()
    try:
        with smtplib.SMTP(sys.argv[1], 25, "out.sender.test", timeout=120) as client:
            client.sendmail("alice@sender.test", ["alice@example.test"], text)
            said.append((250, time.monotonic() - start))
    except smtplib.SMTPResponseException as refused:
        said.append((refused.smtp_code, time.monotonic() - start))
head = "From: alice@sender.test\\r\\nTo: alice@example.test\\r\\nSubject: x\\r\\n"
jobs = [
    threading.Thread(target=offer, args=(head + "MIME-Version: 1.0\\r\\n" + body, poisoned))
    for body in bodies
]
for job in jobs: job.start()
for number in range(12):
    jobs.append(threading.Thread(target=offer, args=(head + f"\\r\\nhello {number}\\r\\n", honest)))
    jobs[-1].start(); time.sleep(0.5)
for job in jobs: job.join()
print([code for code, _ in poisoned], [code for code, _ in honest], max(s for _, s in honest) < 10)
"""


def test_six_poisoned_messages_stop_nobody(ssh: Ssh) -> None:
    said = ssh("internet", f"python3 - {MX1} <<'END'\n{POISON}\nEND")
    assert said.split("\n")[0] == f"{[554] * 6} {[250] * 12} True"


SCANNERS = "-f '^rspamd: normal process'"


def test_mail_that_waits_while_all_scanners_are_stuck_is_scanned(ssh: Ssh) -> None:
    """Until Rspamd ends them; Postfix must not have refused it before."""
    stuck = set(ssh("mx1", f"pgrep {SCANNERS}").split())
    sent = send.Message("alice@sender.test", "bob@example.test", "waits for a scanner")
    ssh("mx1", f"pkill -STOP {SCANNERS}")
    try:
        assert offered(sent.sender, sent.recipient, sent.text())[0] == 250
    finally:
        ssh("mx1", f"pkill -CONT {SCANNERS}; true")
    assert "X-Spamd-Result" in arrived(sent)
    # The first new scanner takes the message; Rspamd may not have ended all the others by then.
    assert stuck - set(ssh("mx1", f"pgrep {SCANNERS}").split())


def offered(sender: str, recipient: str, text: str) -> tuple[int, str]:
    """Offer a text to mx1 once, from the address that the sender's SPF record permits."""
    client = [sys.executable, "-c", OFFER, MX1, sender, recipient]
    command = ["ip", "netns", "exec", INTERNET.netns, *client]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, check=True, timeout=200
    )
    code, words = json.loads(done.stdout)
    return int(code), str(words)


def test_a_forward_nested_fifty_deep_is_delivered() -> None:
    sent = message("nested")
    head, _, body = sent.text().partition("\n\n")
    own = ("Content-", "MIME-Version")
    head = "\n".join(line for line in head.split("\n") if not line.startswith(own))
    text = f"{head}\nMIME-Version: 1.0\n{NESTED * 50}Subject: inner\n\n{body}"
    assert offered(sent.sender, sent.recipient, text)[0] == 250
    assert arrived(sent).count("Content-Type: message/rfc822") == 50


def test_strangers_are_offered_neither_dsn_nor_etrn(ssh: Ssh) -> None:
    ask = (
        "import smtplib; c = smtplib.SMTP('{}', 25, 'out.sender.test'); c.ehlo(); "
        "print(sorted({{'dsn', 'etrn'}} & set(c.esmtp_features)), "
        "c.docmd('MAIL FROM:<v@sender.test> RET=FULL')[0])"
    )
    told = ssh("internet", f"python3 -c {shlex.quote(ask.format(MX1))}")
    assert told == "[] 501\n"
    assert ssh("mx1", f"python3 -c {shlex.quote(ask.format('127.0.0.1'))}") == (
        "['dsn', 'etrn'] 250\n"
    )


def test_a_forgery_of_our_own_domain_is_marked() -> None:
    forged = send.Message("alice@sender.test", "bob@example.test", "forged")
    text = forged.text().replace("From: alice@sender.test", "From: alice@example.test")
    assert "From: alice@example.test" in text
    assert offered(forged.sender, forged.recipient, text)[0] == 250
    headers = arrived(forged).partition("\n\n")[0]
    assert "X-Spam: Yes" in headers
    assert "MX_DMARC_MARK" in headers


def test_a_sender_of_ours_that_is_no_recipient_is_not_refused(ssh: Ssh) -> None:
    """Newsletters and shops write as noreply@; whether they may is for SPF and DMARC to say."""
    ask = (
        f"import smtplib; c = smtplib.SMTP('{MX1}', 25, 'out.sender.test'); c.ehlo(); "
        "print(c.mail('noreply@example.test')[0], c.rcpt('alice@example.test')[0])"
    )
    assert ssh("internet", f"python3 -c {shlex.quote(ask)}") == "250 250\n"
