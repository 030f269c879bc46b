"""What is found before a new MX record: ports that nobody reaches, and viewpoints that prove it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pulumi
import pytest

from components.settings.environment import from_mapping
from components.stack.arrival import HERE, View, judge
from components.stack.files import reach
from components.stack.gate import Gate, questions
from tests.support.loops import in_own_loop
from tests.support.mapping import mapping

SETTINGS = from_mapping(mapping())
MX1, MX2 = "198.18.77.11", "198.18.77.12"
GREETING = {MX1: "220 mx1.example.test ESMTP", MX2: "220 mx2.example.test ESMTP"}


def test_address_that_greets_is_right_from_any_viewpoint() -> None:
    views = {HERE: View(failed={MX1: "timed out", MX2: "timed out"}), "mx2": View({MX1: "220 x"})}
    views["mx2"] = View({MX1: GREETING[MX1]})
    assert judge(SETTINGS, "mx1", views) == ([], [])


def test_greeting_of_several_lines_is_that_of_the_host_itself() -> None:
    postscreen = f"220-{GREETING[MX1].removeprefix('220 ')}"
    assert judge(SETTINGS, "mx1", {HERE: View({MX1: postscreen})}) == ([], [])


def test_blocked_port_25_is_named_with_its_viewpoint() -> None:
    views = {HERE: View({MX1: GREETING[MX1]}, {MX2: "timed out"})}
    (wrong,), unseen = judge(SETTINGS, "mx2", views)
    assert wrong.startswith(f"{MX2} does not answer on port 25, seen from this machine: timed out")
    assert unseen == []


@pytest.mark.parametrize(
    "view",
    [
        View(failed={MX1: "timed out", MX2: "timed out"}),
        View({"2001:db8::1": "220 other"}, {MX2: "timed out"}),
        View({MX1: GREETING[MX1]}, {MX2: "no route"}, {MX2}),
        View(),
    ],
    ids=["all is blocked", "another family", "no route", "not asked"],
)
def test_viewpoint_that_can_open_port_25_to_nobody_proves_nothing(view: View) -> None:
    wrong, (unseen,) = judge(SETTINGS, "mx2", {HERE: view})
    assert wrong == []
    assert f"could try {MX2}, so nothing proves that mail arrives there" in unseen


def test_address_of_another_server_is_named_with_its_greeting() -> None:
    (wrong,), _ = judge(SETTINGS, "mx2", {HERE: View({MX2: "220 other.test ESMTP \x1b[2J"})})
    assert "another server greets: '220 other.test ESMTP" in wrong
    assert "\x1b" not in wrong


def test_domain_whose_recipient_is_refused_holds_no_other_domain_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = mapping()
    values["domains"]["refused.example.test"] = {"mailboxHost": "mailbox1", "recipients": ["dora"]}
    monkeypatch.setattr(pulumi, "ResourceHook", lambda name, hook: hook)
    gate = Gate(from_mapping(values), {"mx1": {}})

    def run(key: str, asked: str) -> tuple[int, str, str]:
        answers = [
            {"greeting": GREETING[each["greet"]]}
            if "greet" in each
            else {"error": "refused: 550"}
            if each["recipient"].startswith("dora")
            else {"greeting": "220 mailbox"}
            for each in json.loads(asked)
        ]
        return 0, json.dumps(answers), ""

    monkeypatch.setattr(gate, "_run", run)

    async def both() -> list[BaseException | None]:
        names = ("dns-mx-refused.example.test-mx1", "dns-mx-example.test-mx1")
        hooks = [gate._before(pulumi.ResourceHookArgs("", "", name, "")) for name in names]
        return await asyncio.gather(*hooks, return_exceptions=True)

    refused, taken = in_own_loop(both())
    assert "the MX record of refused.example.test for mx1 is held back" in str(refused)
    assert taken is None


def test_known_recipient_is_asked_for() -> None:
    assert questions(SETTINGS, "mx1", "example.test") == {
        "mailbox": "mailbox1.example.test",
        "port": 25,
        "protocol": "smtp",
        "helo": "mx1.example.test",
        "recipient": "alice@example.test",
    }


@contextmanager
def server(answers: dict[str, str], connections: int) -> Iterator[int]:
    """A mailbox host on loopback: first word of a command to its answer; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(connections):
            link, _ = listener.accept()
            with link, link.makefile("rwb") as stream:
                stream.write(answers[""].encode() + b"\r\n")
                stream.flush()
                for line in stream:
                    verb = line.split()[0].decode().upper()
                    stream.write(answers.get(verb, "250 ok").encode() + b"\r\n")
                    stream.flush()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join(10)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"": "220 box"}, ""),
        ({"": "220 box", "RCPT": "450 later"}, ""),
        ({"": "554 no"}, "it answers '554 no'"),
        ({"": "220 box", "RCPT": "550 unknown"}, "RCPT TO:<a@b.test> is refused: 550 unknown"),
        ({"": "220 box", "MAIL": "530 STARTTLS first"}, "MAIL FROM:<> is refused: 530"),
    ],
    ids=["takes mail", "greylists", "no greeting", "refuses the recipient", "refuses us"],
)
def test_mailbox_host_is_asked_as_postfix_will(answers: dict[str, str], expected: str) -> None:
    with server(answers, 1 if answers[""].startswith("554") else 2) as port:
        question = {"mailbox": "127.0.0.1", "port": port, "protocol": "smtp"}
        answer = reach.ask(question | {"helo": "mx.test", "recipient": "a@b.test"})
    assert expected in answer.get("error", "")
    assert ("error" in answer) == bool(expected)


def test_closed_port_and_unknown_name_are_errors() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    question = {"mailbox": "127.0.0.1", "port": port, "protocol": "lmtp", "recipient": None}
    assert "refused" in reach.ask(question)["error"]
    assert "does not resolve" in reach.ask(question | {"mailbox": "nosuch.invalid"})["error"]
