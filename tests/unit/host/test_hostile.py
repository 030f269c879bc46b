"""Hosts whose answers are odd or hostile: each is that host's alone, and nothing it says draws."""

from __future__ import annotations

import json

import pytest

from components.host.ask import parse
from components.host.drift import judge
from components.host.seen import Seen
from tools.preview.text import cell, fenced, plain

AGENT = "ab" * 32
MACHINE = "0123456789abcdef0123456789abcdef"
FINE = '{"heal": 1, "bundles": {}}'

# What a host answers in place of machine ID, noted renewals, noted updates and status.
ODD = {
    "a machine ID that systemd has not set": f"uninitialized\n{AGENT}\n\n\n{FINE}",
    "a login that greets": f"Welcome to mx1\n{MACHINE}\n{AGENT}\n\n\n{FINE}",
    "a greeting that draws": f"\x1b[1A\x1b[2K\u2028{MACHINE}\n{AGENT}\n\n\n{FINE}",
    "an answer that is cut off": f'{MACHINE}\n{AGENT}\n\n\n{{"bundles": {{',
    "no answer after the machine ID": MACHINE,
    "no bundles": f"{MACHINE}\n{AGENT}\n\n\n{{}}",
    "bundles that are a list": f'{MACHINE}\n{AGENT}\n\n\n{{"bundles": []}}',
    "a bundle that is text": f'{MACHINE}\n{AGENT}\n\n\n{{"bundles": {{"postfix": "x"}}}}',
    "a bundle without drift": f'{MACHINE}\n{AGENT}\n\n\n{{"bundles": {{"redis": {{"heal": 1}}}}}}',
    "drift that is text": f'{MACHINE}\n{AGENT}\n\n\n{{"bundles": {{"redis": {{"drift": "x"}}}}}}',
    "a heal number that is text": f'{MACHINE}\n{AGENT}\n\n\n{{"heal": "x", "bundles": {{}}}}',
    "a heal number below zero": f'{MACHINE}\n{AGENT}\n\n\n{{"heal": -1, "bundles": {{}}}}',
    "a list": f"{MACHINE}\n{AGENT}\n\n\n[1]",
}


@pytest.mark.parametrize("state", ODD)
def test_an_odd_answer_is_drift_that_was_not_read(state: str) -> None:
    seen, [warning] = judge("mx1", 0, ODD[state], "", {})
    assert warning.startswith("drift of mx1 was not read: ")
    assert warning.isprintable()
    assert seen == Seen()


@pytest.mark.parametrize("noted", ["[1]", "{", '{"a": 1}', '{"a": {"b": 1}}', "\x1b[2K"])
def test_renewals_that_are_none_are_told_and_drift_is_read(noted: str) -> None:
    seen, [warning] = judge("mx1", 0, f"{MACHINE}\n{AGENT}\n{noted}\n\n{FINE}", "", {})
    assert warning.startswith("renewals of mx1 were not read: ")
    assert warning.isprintable()
    assert seen.read
    assert seen.renewals == {}


@pytest.mark.parametrize("noted", ["[1]", "{", '{"security": 1}', '{"reboot": "x"}', "\x1b[2K"])
def test_updates_that_are_none_are_told_and_drift_is_read(noted: str) -> None:
    seen, [warning] = judge("mx1", 0, f"{MACHINE}\n{AGENT}\n\n{noted}\n{FINE}", "", {})
    assert warning.startswith("updates of mx1 were not read: ")
    assert warning.isprintable()
    assert seen.read


def test_words_of_ssh_with_other_separators_are_one_line() -> None:
    assert parse("host mx1 255\nerr\tssh: a\x0bb\u2028c\n") == {
        "mx1": (255, "", "ssh: a\x0bb\u2028c")
    }
    _, [warning] = judge("mx1", 255, "", "ssh: a\x0bb\u2028c", {})
    assert warning == r"drift of mx1 was not read: ssh: a\x0bb\u2028c"


def prefixed(text: str) -> str:
    return "".join(f"out\t{line}\n" for line in text.split("\n"))


@pytest.mark.parametrize("separator", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028"])
def test_a_host_does_not_speak_for_another(separator: str) -> None:
    drift = [{"path": "/etc/postfix/main.cf", "what": "content changed"}]
    honest = json.dumps({"heal": 1, "bundles": {"postfix": {"heal": 1, "drift": drift}}})
    forged = separator.join(["", "host mx1 0", f"out\t{MACHINE}", "out\t", f"out\t{FINE}"])
    said = "host mx1 0\n" + prefixed(MACHINE + f"\n{AGENT}\n\n\n" + honest)
    said += "host mx2 0\n" + prefixed(MACHINE + f"\n{AGENT}\n\n\n" + FINE + "\n" + forged)
    answers = parse(said)
    assert list(answers) == ["mx1", "mx2"]
    assert judge("mx1", *answers["mx1"], {})[1] == [
        "drift: mx1: postfix: /etc/postfix/main.cf: content changed"
    ]


def test_drift_with_characters_that_draw_shows_them() -> None:
    diff = ["-maxmemory 1", "+\x1b]0;owned\x07\x1b[1A\x1b[2K\u202e", "+a\ndrift: mx2: x: y"]
    item = {"path": "/etc/\x1b[2K", "what": "content\u2028changed", "diff": diff}
    status = json.dumps({"bundles": {"re\x1bdis": {"drift": [item]}}})
    _, [warning] = judge("mx1", 0, f"{MACHINE}\n{AGENT}\n\n\n{status}", "", {})
    assert all(line.isprintable() for line in warning.split("\n"))
    assert warning.split("\n") == [
        r"drift: mx1: re\x1bdis: /etc/\x1b[2K: content\u2028changed",
        "-maxmemory 1",
        r"+\x1b]0;owned\x07\x1b[1A\x1b[2K\u202e",
        r"+a\ndrift: mx2: x: y",
    ]


HOSTILE = (
    "<img src=http://evil/x> **@everyone** [ok](http://evil) www.evil.test \x1b[2K\u2028\u202e"
)


@pytest.mark.parametrize("shown", [plain(HOSTILE), cell(HOSTILE, 400)])
def test_text_in_a_report_is_neither_markup_nor_a_link(shown: str) -> None:
    for mark in (
        "<img",
        "**",
        "@everyone",
        "http://",
        "www.evil",
        "\x1b",
        "\u2028",
        "\u202e",
    ):
        assert mark not in shown


def test_a_code_block_shows_what_a_terminal_would_obey() -> None:
    block = fenced("x", "", ["+a\x1b[1A\u2028b"], "diff")
    assert block.lines == (r"+a\x1b[1A\u2028b",)
