"""Postfix restarts while a client is in the middle of a message: the client has its reply."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.topology import INTERNET
from tests.long.chaos.sender import Message, Target, enter, text

from .conftest import MX1, Ssh, eventually

pytestmark = pytest.mark.host

TARGET = Target("bob@example.test", ("example.test/bob",))
MASTER = "pgrep -o -x master"
CLOSED = "nft list tables | grep -c mx_postfix_stops || true"
CURSOR = "journalctl -n 0 --show-cursor | sed 's/^-- cursor: //'"
TOO_LATE = "journalctl -u postfix --after-cursor '{}' -o cat | grep 'still on their way' || true"


@contextmanager
def abroad() -> Iterator[ThreadPoolExecutor]:
    """One thread whose sockets are on the lab's Internet, so that mx1 sees a client from there."""
    netns = Path("/run/netns", INTERNET.netns)
    with ThreadPoolExecutor(1, initializer=enter, initargs=(netns,)) as pool:
        yield pool


def session(timeout: float = 60.0) -> smtplib.SMTP:
    client = smtplib.SMTP(MX1, 25, "out.sender.test", timeout)
    client.ehlo()
    return client


def in_data(name: str) -> tuple[smtplib.SMTP, bytes]:
    """A session with the first half of a message sent, and the other half."""
    client = session()
    assert client.mail("alice@sender.test")[0] == 250
    assert client.rcpt(TARGET.address)[0] == 250
    assert client.docmd("DATA")[0] == 354
    content = text(name, Message(1, TARGET, 4000, time.time()))
    client.send(content[:2000])
    return client, content[2000:]


def test_client_in_the_middle_of_data_when_postfix_restarts_has_its_250_and_one_copy(
    ssh: Ssh,
) -> None:
    name = f"restart-{int(time.time())}"
    before, cursor = ssh("mx1", MASTER), ssh("mx1", CURSOR).strip()
    with abroad() as there, ThreadPoolExecutor(1) as here:
        client, rest = there.submit(in_data, name).result()
        idle = there.submit(session).result()
        restart = here.submit(ssh, "mx1", "systemctl restart postfix")
        try:
            eventually(lambda: ssh("mx1", CLOSED) == "1\n")
            # A new client would begin another message: it gets no answer until Postfix is new.
            with pytest.raises(OSError, match="timed out"):
                there.submit(session, 0.5).result()
            assert ssh("mx1", MASTER) == before
            client.send(rest + b".\r\n")
            reply = client.getreply()
        finally:
            restart.result()
            client.close()
        assert reply[0] == 250, reply
        # Who sends nothing is not waited for.
        with idle, pytest.raises(smtplib.SMTPServerDisconnected):
            idle.noop()
        assert ssh("mx1", TOO_LATE.format(cursor)) == ""
        assert ssh("mx1", MASTER) != before
        there.submit(session).result().quit()
    assert ssh("mx1", CLOSED) == "0\n"
    count = f"grep -rl '{name}.1@sender.test' /var/mail/example.test/bob/new | wc -l"
    eventually(lambda: ssh("mailbox1", count) != "0\n", 60)
    assert ssh("mailbox1", count) == "1\n"
