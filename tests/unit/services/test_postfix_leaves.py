"""The probe of what leaves: each daemon on the way of a message is seen when it is dead."""

from __future__ import annotations

from types import ModuleType

import pytest

from tests.support.programs import host_program
from tests.support.stacks import ROOT

FILE = ROOT / "components/services/postfix/files/usr/local/lib/mx/mx_postfix_leaves.py"


def load() -> ModuleType:
    return host_program(FILE)


PICKED = "A1B2: uid=0 from=<double-bounce>"
ACTIVE = "A1B2: from=<double-bounce@mx1.example.test>, size=331, nrcpt=1 (queue active)"
TO = "A1B2: to=<alice@example.test>, relay=none, delay=1, dsn=4.3.0, status="
DEAD = f"{TO}undeliverable (unknown mail transport error)"
# What Postfix logged, and why no mail leaves; empty when it does.
LOGS: dict[str, tuple[list[str], str]] = {
    "deliverable": ([PICKED, ACTIVE, f"{TO}deliverable (250 2.1.5 Ok)"], ""),
    "mailbox_host_refuses": ([PICKED, ACTIVE, f"{TO}undeliverable (host x said: 550 no)"], ""),
    "mailbox_host_is_silent": ([PICKED, ACTIVE], ""),
    "smtp_died": ([PICKED, ACTIVE, DEAD], "no mail leaves: to=<alice@example.test>"),
    "smtp_is_no_service": (
        [PICKED, ACTIVE, f"{TO}undeliverable (mail transport unavailable)"],
        "no mail leaves: ",
    ),
    "another_message_died": ([PICKED, ACTIVE, DEAD.replace("A1B2", "FFFF")], ""),
    "cleanup_died": ([], "no message gets into the queue: cleanup(8) took none"),
    "somebody_else_sent": (["A1B2: uid=0 from=<root>"], "no message gets into the queue"),
    "qmgr_died": ([PICKED], "a message in the queue waits: qmgr(8) did not begin"),
}


@pytest.mark.parametrize("case", LOGS)
def test_daemon_that_is_dead_is_named(
    case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, words = LOGS[case]
    program = load()
    answers = {"postconf": "double-bounce\n", "journalctl": "-- cursor: s=1\n", "sendmail": ""}
    monkeypatch.setattr(program, "run", lambda *argv: answers[argv[0]])
    monkeypatch.setattr(program, "logged", lambda cursor: lines if cursor == "s=1" else [])
    monkeypatch.setattr(program.subprocess, "run", lambda *_, **__: None)
    monkeypatch.setattr(program, "SECONDS", 0.3)
    assert program.main(["alice@example.test"]) == (1 if words else 0)
    assert words in capsys.readouterr().err


def test_the_last_entry_before_the_question_is_another_services(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A match then makes journalctl(1) of systemd 252 leave out the first entry that it finds."""
    lines = [PICKED, ACTIVE, f"{TO}deliverable (250 2.1.5 Ok)"]

    def run(*argv: str) -> str:
        if "--after-cursor" in argv:
            narrowed = any("=" in word and not word.startswith("s=") for word in argv)
            return "\n".join(["Finished mx-collect.service", *lines][2 if narrowed else 0 :])
        answers = {"postconf": "double-bounce\n", "journalctl": "-- cursor: s=1\n", "sendmail": ""}
        return answers[argv[0]]

    program = load()
    monkeypatch.setattr(program, "run", run)
    monkeypatch.setattr(program.subprocess, "run", lambda *_, **__: None)
    monkeypatch.setattr(program, "SECONDS", 0.3)
    assert program.main(["alice@example.test"]) == 0, capsys.readouterr().err
