"""Questions to Postfix on a host: what strangers write into log and queue answers none of them."""

from __future__ import annotations

import json
from types import ModuleType

import pytest

from tests.support.programs import host_program
from tests.support.stacks import ROOT

PROGRAM = ROOT / "components/services/postfix/files/usr/local/lib/mx/mx_postfix.py"


@pytest.fixture
def questions() -> ModuleType:
    return host_program(PROGRAM)


def entries(*told: tuple[str, str]) -> list[bytes]:
    """The journal's entries, as journalctl prints them: newest first."""
    return [
        json.dumps({"SYSLOG_IDENTIFIER": program, "MESSAGE": text}, ensure_ascii=False).encode()
        for program, text in told
    ]


# Lines that Postfix writes when a client says such things: nobody died.
SAID = {
    "a command that looks like master's warning": (
        "postfix/smtpd",
        "warning: non-SMTP command from x[192.0.2.1]: smtpd: bad command startup -- throttling",
    ),
    "an address that looks like master's warning": (
        "postfix/smtpd",
        "warning: Illegal address syntax from x[192.0.2.1] in MAIL command: <bad command startup>",
    ),
    "an address that looks like a child's end": (
        "postfix/cleanup",
        "warning: process x exit status 1",
    ),
    "a recipient that looks like a fatal error": (
        "postfix/smtpd",
        'NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 <"fatal: x"@example.test>',
    ),
    "a program that a user calls": ("postfix/sendmail", "fatal: usage: sendmail [options]"),
    "another program": ("sshd", "fatal: x"),
}


@pytest.mark.parametrize("state", SAID)
def test_nobody_died_when_a_client_says(state: str, questions: ModuleType) -> None:
    assert list(questions.died(entries(SAID[state]))) == []


DIED = {
    "smtpd of a wrong value": ("postfix/smtpd", "fatal: bad numeric configuration: x = y"),
    "a service of master.cf": ("postfix/submission/smtpd", "fatal: in parameter x"),
    "master tells": (
        "postfix/master",
        "warning: /usr/lib/postfix/sbin/smtpd: bad command startup -- throttling",
    ),
    "a child with an exit status": (
        "postfix/master",
        "warning: process /usr/lib/postfix/sbin/qmgr pid 7 exit status 1",
    ),
    "a child by a signal": (
        "postfix/master",
        "warning: process /usr/lib/postfix/sbin/cleanup pid 7 killed by signal 11",
    ),
}


@pytest.mark.parametrize("state", DIED)
def test_a_daemon_died(state: str, questions: ModuleType) -> None:
    program, text = DIED[state]
    assert list(questions.died(entries(DIED[state]))) == [f"{program}: {text}"]


def test_what_died_before_the_last_reload_is_not_told(questions: ModuleType) -> None:
    reload = ("postfix/master", "reload -- version 3.10.13, configuration /etc/postfix")
    assert list(questions.died(entries(reload, DIED["smtpd of a wrong value"]))) == []


def test_a_separator_in_an_address_does_not_hide_the_queue(
    questions: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipients = [{"address": "x@b\u2028\u0085\x1c.test"}]
    message = {"arrival_time": 1, "sender": "a\u2028b@sender.test", "recipients": recipients}
    printed = json.dumps(message, ensure_ascii=False) + "\n"
    monkeypatch.setattr(questions, "run", lambda *_: printed + printed)
    assert len(questions.queued()) == 2
