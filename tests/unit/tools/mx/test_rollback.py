"""`mx rollback` says which component it takes, and what the next `mx up` does."""

from __future__ import annotations

import json

import pytest

from tests.unit.tools.mx.test_first_day import settings
from tools import rollback
from tools.mx import hosts, verb_rollback, verbs_host
from tools.mx.app import Failure, run
from tools.mx.codes import FAILED, OK
from tools.preview.recipients import CONTENT

AGAIN = "A rollback does not change the stack file: correct the file before the next `mx up`"
RECORD = json.dumps({"text": '{"files": {}}', "previous": '{"files": {}}'})


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A host that does what it is asked; what the agent was asked."""
    asked: list[str] = []

    def call(_: object, host: str, verb: str) -> tuple[int, str, str]:
        asked.append(verb)
        return 0, "probe: 127.0.0.1:25\ndone: postfix", ""

    monkeypatch.setattr(rollback, "call", call)
    monkeypatch.setattr(hosts, "run", lambda *_: {"mx1": (0, RECORD, "")})
    return asked


def test_omitted_component_is_named_with_the_reason(
    agent: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["rollback", "staging", "mx1", "--yes"]) == OK
    shown = capsys.readouterr()
    assert agent == ["rollback postfix"]
    assert "no COMPONENT was given, so this is about postfix" in shown.err
    assert "`mx rollback staging mx1 --list` names the others" in shown.err


def test_after_a_rollback_the_stack_file_is_named(
    agent: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["rollback", "staging", "mx1", "resolver", "--yes"]) == OK
    shown = capsys.readouterr()
    assert agent == ["rollback resolver"]
    assert "no COMPONENT was given" not in shown.err
    assert shown.out.endswith("1 probe passed\nmx1: resolver has its former state again\n")
    assert AGAIN in shown.err


def test_what_a_rollback_did_is_told_without_the_inner_steps_of_the_agent() -> None:
    out = (
        "stage: 24 paths\nchecked: 0 built, 2 checks\ncopy: 1 changed of 24 paths\njournal\n"
        "swap: /etc/postfix/main.cf\nreload: postfix.service\nprobe: postfix.service\n"
        "probe: 127.0.0.1:25\n  warning: probe x failed before this change, too: y\nrecord\n"
        "done: postfix"
    )
    assert verb_rollback.result("mx2", "postfix", out) == (
        "files: /etc/postfix/main.cf\nreload: postfix.service\n"
        "  warning: probe x failed before this change, too: y\n2 probes passed\n"
        "mx2: postfix has its former state again"
    )


def test_rollback_that_was_undone_says_nothing_of_the_stack_file(
    agent: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollback, "call", lambda *_: (1, "", "failed, undone"))
    assert run(["rollback", "staging", "mx1", "--yes"]) == FAILED
    shown = capsys.readouterr()
    assert "failed, undone" in shown.err
    assert AGAIN not in shown.err


def test_sudo_that_asks_for_a_password_is_told_as_by_the_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = settings()
    found = found.model_copy(update={"ssh": found.ssh.model_copy(update={"user": "operator"})})
    said = "sudo: a password is required\n"
    monkeypatch.setattr(hosts, "run", lambda *_: {"mx1": (1, "", said)})
    with pytest.raises(Failure) as raised:
        verbs_host.as_root(found, "mx1", "true")
    assert str(raised.value) == (
        "mx1: the login operator@203.0.113.21 works, but sudo asks for a password; as root on the "
        "host, write `operator ALL=(ALL) NOPASSWD: ALL` to /etc/sudoers.d/mx"
    )
    # A command that root ran is not judged.
    assert verbs_host.as_root(settings(), "mx1", "sudo -n true") == (1, "", said)


def test_a_rollback_has_its_risks_as_a_preview_has() -> None:
    def manifest(size: int) -> str:
        text = f"# General\nmessage_size_limit = {size}\n"
        files = {"/etc/postfix/main.cf.d/10-general.cf": {"content": text}}
        return json.dumps({"bundle": "postfix", "files": files})

    record = {"text": manifest(2), "previous": manifest(1)}
    report = verb_rollback.difference("production", "mx1", "postfix", record)
    assert report.risks[0].startswith("mx1: message_size_limit becomes 1. It was 2.")


def test_a_rollback_that_takes_a_recipient_away_says_whose_mail_is_refused() -> None:
    def rows(*locals_: str) -> str:
        content = {
            "mail_domain": "example.test\n",
            "recipient": "".join(f"example.test\t{local}\n" for local in locals_),
        }
        files = {f"{CONTENT}{name}": {"content": text} for name, text in content.items()}
        return json.dumps({"bundle": "mail-database", "files": files})

    record = {"text": rows("alice", "carol"), "previous": rows("alice")}
    report = verb_rollback.difference("staging", "mx1", "mail-database", record)
    assert "Mail for carol@example.test is refused (550) once this is applied." in report.risks
