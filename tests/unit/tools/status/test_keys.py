"""Which key of the stack file does what a check asks for."""

from __future__ import annotations

import json
import re

import pytest

from components.settings import stack_file
from components.settings.environment import from_mapping
from tests.support.mapping import mapping
from tools import schema
from tools.status import __main__ as command
from tools.status import keys, mx, run
from tools.status.check import Finding
from tools.status.names import Answer, Names

CHECKS = {each.name for each in (*run.DOMAIN, *mx.HOST, *run.HOST, *run.ADDRESS)}


def of_the_schema() -> set[str]:
    """The path of every key of a stack file, with NAME for the keys of a mapping."""
    found = set()
    section = ""
    for line in schema.manual().splitlines():
        if line.startswith("## "):
            section = "" if line == "## mx:mail" else f"{line[3:]}."
        elif key := re.match(r"\| `(\w+)` \|", line):
            found.add(section + key[1])
    return found


def test_each_row_is_of_a_check() -> None:
    assert set(keys.KEYS) - CHECKS == set()


@pytest.mark.parametrize("check", keys.KEYS)
def test_each_key_is_in_the_schema(check: str) -> None:
    named = re.findall(r"`([^` ]+)`", keys.KEYS[check])
    assert named
    assert set(named) - of_the_schema() == set()


def finding(check: str, subject: str) -> Finding:
    return Finding(check, "warning", subject, "what", "why", "Do it.")


FOUND = [
    finding("dane-missing", "mx1.example.test"),
    finding("tls-old", "mx1.example.test [198.18.77.11]"),
    finding("spf-missing", "example.test"),
    finding("ptr-missing", "mx1.example.test [198.18.77.11]"),
    finding("spf-missing", "other.test"),
    finding("tls-old", "mx1.other.test [198.18.77.99]"),
]


def cures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> list[str]:
    answer = Answer("found", ("mx1.example.test",))
    monkeypatch.setattr(stack_file, "settings_of", lambda name: from_mapping(mapping()))
    monkeypatch.setattr(Names, "ask", lambda *arguments: answer)
    monkeypatch.setattr(run, "domains", lambda *arguments: FOUND)
    assert command.main([*arguments, "--json"]) == 2
    return [each["cure"] for each in json.loads(capsys.readouterr().out)["findings"]]


def test_keys_are_named_of_what_is_the_stacks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cures(monkeypatch, capsys, "--stack", "one", "other.test") == [
        "Do it. In the stack file: `dns.signedZones`, which needs `certificates`.",
        "Do it. In the stack file: `postfix.tls.serverProfile`.",
        "Do it. In the stack file: `dns.records.spf`, or `domains.NAME.records.spf` for one "
        "domain.",
        "Do it.",
        "Do it.",
        "Do it.",
    ]


def test_no_key_is_named_without_a_stack(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set(cures(monkeypatch, capsys, "example.test")) == {"Do it."}


def test_a_domain_whose_mx_records_are_held_back_is_told_which_key_holds_them() -> None:
    found = [finding("mx-single", "held.test"), finding("mx-single", "one.test")]
    here, there = keys.named(found, {"held.test", "one.test"}, {"held.test"})
    assert "`domains.NAME.leavingMx` or `hosts.NAME.leaving`" in here.cure
    assert "`hosts`, and `domains.NAME.mx`" in there.cure


def test_hosts_that_serve_before_they_are_published_are_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    values = mapping()
    values["domains"]["example.test"]["leavingMx"] = [*values["hosts"]]
    values["domains"]["example.test"].pop("mx", None)
    asked: list[object] = []

    def domains(*arguments: object) -> list[Finding]:
        asked.extend(arguments)
        return []

    monkeypatch.setattr(stack_file, "settings_of", lambda name: from_mapping(values))
    monkeypatch.setattr(Names, "ask", lambda *arguments: Answer("found", ()))
    monkeypatch.setattr(run, "domains", domains)
    assert command.main(["--stack", "one"]) == 0
    hosts = ["mx1.example.test", "mx2.example.test"]
    assert asked[-1] == {"example.test": hosts}
    assert f"holds back the MX records of {', '.join(hosts)}" in capsys.readouterr().out
