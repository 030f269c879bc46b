"""Answers of `mx init` are checked as they are given; Ctrl-C at a question changed nothing."""

from __future__ import annotations

import click
import pytest

from tools.mx import answers, app, ssh_keys, verbs_tools
from tools.mx.app import Failure
from tools.mx.codes import INTERRUPTED, USAGE


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> answers.Asking:
    """Somebody at a terminal who types these lines."""
    left = iter(lines)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: next(left))
    asking = answers.Asking()
    asking.possible = True
    return asking


def test_a_wrong_answer_is_told_and_asked_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asking = typed(monkeypatch, "mx1.example.org", "198.51.100.999", " 198.51.100.9 ")
    assert asking.words("IPv4 address", "--host", kind=answers.ipv4) == "198.51.100.9"
    told = capsys.readouterr().err
    assert "'mx1.example.org'" in told
    assert "198.51.100.999" in told


def test_an_empty_answer_is_told_what_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asking = typed(monkeypatch, "", "mx1", "mx1.example.org")
    assert asking.words("Names", "--host", kind=answers.hostnames) == "mx1.example.org"
    told = capsys.readouterr().err
    assert "a name is needed, such as mx1.example.org" in told
    assert "'mx1' is not a fully qualified domain name, such as mx1.example.org" in told


def test_each_kind_of_name_has_its_own_example() -> None:
    for kind, example in (
        (answers.hostnames, "mx1.example.org"),
        (answers.domains, "example.org"),
        (answers.mailbox, "mail.example.org"),
    ):
        with pytest.raises(ValueError, match=f"such as {example}$"):
            kind("foo")


def test_a_whole_address_is_no_local_part(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asking = typed(monkeypatch, "alice@example.org", "*", "alice, bob")
    assert asking.words("Local parts", "--recipient", "x", answers.local_parts) == "alice bob"
    told = capsys.readouterr().err
    assert "'alice@example.org' is a whole address: give the part before the @ alone" in told
    assert "there is no catch-all" in told


def test_an_address_without_ssh_is_asked_again_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = {"198.51.100.9": {"ssh-ed25519": "AAAA"}}
    monkeypatch.setattr(ssh_keys, "scan", lambda address, port: keys.get(address, {}))
    asking = typed(monkeypatch, "198.51.100.99", "198.51.100.9")
    kind = answers.shows_a_key(2222, answers.ipv4)
    assert asking.words("IPv4 address", "--host", kind=kind) == "198.51.100.9"
    assert "198.51.100.99 shows no SSH host key on port 2222" in capsys.readouterr().err


def test_a_long_question_breaks_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    asking = typed(monkeypatch)

    def empty(text: str) -> str:
        shown.append(text)
        return ""

    monkeypatch.setattr("click.termui.visible_prompt_func", empty)
    question = "Local parts that take mail in every domain, separated by blanks"
    assert asking.words(question, "--recipient", "postmaster abuse") == "postmaster abuse"
    whole = capsys.readouterr().err + "".join(shown)
    assert "abuse]" in whole
    assert max(map(len, whole.split("\n"))) <= 80


def test_names_may_have_commas_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = typed(monkeypatch, "a.example.org, b.example.org")
    names = asking.words("Mail domains", "--domain", kind=answers.hostnames)
    assert names.split() == ["a.example.org", "b.example.org"]


@pytest.mark.parametrize(
    ("option", "value", "kind"),
    [
        ("--host", "mx1_a.example.org", answers.hostnames),
        ("--host mx1: IPv4 address", "198.51.100.999", answers.ipv4),
        ("--host mx1: IPv6 address", "198.51.100.9", answers.ipv6),
        ("--mailbox-host", "mail.example.org:99999", answers.mailbox),
    ],
)
def test_a_wrong_option_names_itself_and_its_value(
    option: str, value: str, kind: answers.Kind
) -> None:
    with pytest.raises(Failure) as caught:
        answers.given(option, value, kind)
    assert str(caught.value).startswith(f"{option} {value}: ")
    assert caught.value.code == USAGE


def test_ctrl_c_at_a_question_says_that_nothing_was_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ended(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("click.termui.visible_prompt_func", ended)
    monkeypatch.setattr(app.mx, "main", lambda **_: click.prompt("?"))
    assert app.run([]) == INTERRUPTED
    assert "ended by Ctrl-C; nothing was changed" in capsys.readouterr().err


def test_the_name_of_a_stack_is_not_taken_for_a_domain(capsys: pytest.CaptureFixture[str]) -> None:
    assert verbs_tools.status.name in app.mx.commands
    assert app.run(["status", "lab"]) == USAGE
    assert "lab is a stack here: mx status --stack lab" in " ".join(capsys.readouterr().err.split())
