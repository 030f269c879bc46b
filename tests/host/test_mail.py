"""What an SMTP client on the Internet meets on both MX hosts."""

from __future__ import annotations

import contextlib
import smtplib
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lab import container, send, topology
from lab.system import wait_for

from .conftest import MX1, MX2

pytestmark = pytest.mark.host

LIMIT = 26214400


@pytest.fixture(params=[MX1, MX2], ids=["mx1", "mx2"])
def client(lab: dict[str, str], request: pytest.FixtureRequest) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(request.param, 25, "out.sender.test", timeout=60) as smtp:
        smtp.ehlo()
        yield smtp


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        ("alice@example.test", 250),
        ("alice+tag@example.test", 250),
        ("info@example.test", 250),
        ("ALICE@Example.Test", 250),
        ("nobody@example.test", 550),
        ("nobody+alice@example.test", 550),
        ("alice@sender.test", 554),
        ("alice%sender.test@example.test", 554),
        ('"alice@sender.test"@example.test', 554),
        ("sender.test!alice@example.test", 554),
    ],
)
def test_recipient(client: smtplib.SMTP, recipient: str, code: int) -> None:
    client.mail("alice@sender.test")
    assert client.rcpt(recipient)[0] == code


@pytest.mark.parametrize(
    "recipient",
    [
        "<alice%sender.test@sender.test>",
        "<@example.test:alice@sender.test>",
        "<alice@[198.18.77.2]>",
        "<alice@[198.18.77.11]>",
        "<sender.test!alice@sender.test>",
        "<alice@sender.test@>",
    ],
)
def test_no_form_of_an_address_relays(client: smtplib.SMTP, recipient: str) -> None:
    client.mail("alice@sender.test")
    code, text = client.docmd("RCPT", f"TO:{recipient}")
    assert 500 <= code < 600, text


def test_size_is_announced_and_refused_at_mail(client: smtplib.SMTP) -> None:
    assert client.esmtp_features["size"] == str(LIMIT)
    code, _ = client.docmd("MAIL", f"FROM:<alice@sender.test> SIZE={LIMIT + 1}")
    assert code == 552


def test_size_is_refused_after_data(client: smtplib.SMTP) -> None:
    client.docmd("MAIL", "FROM:<alice@sender.test>")
    client.rcpt("alice@example.test")
    code, text = client.data(b"Subject: big\r\n\r\n" + b"x" * 78 * 340000)
    assert code == 552, text


def test_unauthorised_pipelining_is_refused(client: smtplib.SMTP) -> None:
    with socket.create_connection((client.sock.getpeername()[0], 25), 60) as connection:  # type: ignore[union-attr]
        stream = connection.makefile("rb")
        assert stream.readline().startswith(b"220")
        connection.sendall(b"HELO out.sender.test\r\nMAIL FROM:<a@sender.test>\r\n")
        replies = stream.readline() + stream.readline()
        assert b"554 5.5.0" in replies, replies


@pytest.mark.parametrize("ending", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r\n\x00.\r\n"])
def test_smuggled_message_does_not_pass_as_a_second_one(
    client: smtplib.SMTP, ending: bytes
) -> None:
    client.mail("alice@sender.test")
    client.rcpt("alice@example.test")
    assert client.docmd("DATA")[0] == 354
    client.send(
        b"Subject: outer\r\n\r\ntext"
        + ending
        + b"MAIL FROM:<ceo@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
        + b"Subject: smuggled\r\n\r\ntext\r\n.\r\nQUIT\r\n"
    )
    replies = []
    # Until the server hangs up: after QUIT, or since it was not waited for.
    with contextlib.suppress(smtplib.SMTPServerDisconnected):
        while True:
            replies.append(client.getreply()[0])
    # Accepted as one message, or the rest refused as commands that were not waited for.
    assert replies.count(250) <= 1, replies
    assert 354 not in replies


@pytest.mark.parametrize("name", ["root", "postmaster"])
def test_mail_to_the_host_itself_reaches_the_postmaster(lab: dict[str, str], name: str) -> None:
    mail = send.Message("root@mx1.example.test", f"{name}@mx1.example.test")
    container.inside(topology.MX1, ["sendmail", "-i", name], stdin=mail.text())
    arrives = replace(mail, recipient="postmaster@example.test")
    wait_for("it at mailbox1", lambda: send.delivered(arrives) is not None, 60)


def test_mail_from_outside_to_the_host_itself_is_refused(client: smtplib.SMTP) -> None:
    client.mail("alice@sender.test")
    assert client.rcpt("root@mx1.example.test")[0] == 554
