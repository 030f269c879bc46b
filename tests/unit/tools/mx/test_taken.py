"""What `mx destroy` says before its question."""

from __future__ import annotations

from typing import Any

import click
import pytest

from components.dns import zones
from components.settings.environment import Settings
from components.settings.stack_file import settings_of
from tools.mx import engine, queues, state, taken, verb_destroy, zones_api
from tools.mx.app import run
from tools.mx.codes import FAILED, OK

RECORD, COMMAND = "cloudflare:index/dnsRecord:DnsRecord", "command:remote:Command"
OTHER = "a" * 32
STATE: list[dict[str, Any]] = [
    {"type": RECORD, "urn": "u::dns-a", "outputs": {"name": "mx1.example.test", "type": "A"}},
    {"type": RECORD, "urn": "u::dns-mx", "outputs": {"name": "example.test", "type": "MX"}},
    {
        "type": RECORD,
        "urn": "u::dns-spf",
        "outputs": {
            "id": OTHER,
            "name": "example.test",
            "type": "TXT",
            "content": '"v=spf1 mx ~all"',
        },
    },
    {"type": COMMAND, "urn": "u::mx1-agent"},
    {"type": COMMAND, "urn": "u::mx1-postfix"},
    {"type": "mx:host:Postfix", "urn": "u::mx1-postfix"},
]


def adopting(stack: str) -> Settings:
    found = settings_of(stack)
    dns = found.dns.model_copy(update={"adopt": {"spf": OTHER}})
    return found.model_copy(update={"dns": dns})


def test_records_and_hosts_are_named() -> None:
    assert taken.words(STATE) == (
        "3 DNS records, with the MX records of example.test; all that MX set up on mx1: files "
        "that were there before come back, packages stay"
    )
    assert taken.words([]) == ""


def test_progress_knows_how_much_each_host_and_dns_have() -> None:
    urns = [
        {"urn": f"urn:pulumi:production::mx::{kind}::{name}"}
        for kind, name in [
            ("mx:host:MailExchanger$mx:host:Postfix", "mx1-postfix"),
            (f"mx:host:MailExchanger${COMMAND}", "mx1-postfix"),
            (f"mx:host:MailExchanger${COMMAND}", "mx1-agent"),
            (f"mx:host:MailExchanger${COMMAND}", "mx1-b-agent"),
            (f"mx:dns:Dns${RECORD}", "dns-a"),
            ("pulumi:providers:cloudflare", "default_6_23_1"),
        ]
    ]
    assert taken.count(urns, ["mx1", "mx1-b"]) == {"mx1": 2, "mx1-b": 1, "DNS": 1}


def test_a_name_typed_wrong_is_told_and_nothing_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "install", lambda: None)
    monkeypatch.setattr(state, "locked", lambda stack: None)
    monkeypatch.setattr(state, "deployment", lambda stack: {"resources": STATE})
    monkeypatch.setattr(queues, "count", lambda settings: {"mx1": 0})
    monkeypatch.setattr(verb_destroy, "settings_of", adopting)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(click, "prompt", lambda *_, **__: "prodction")
    monkeypatch.setattr(verb_destroy, "carry_out", None)
    monkeypatch.setattr(zones_api, "of", lambda *_: None)
    monkeypatch.setattr(zones, "look", lambda *_: zones.Look(silent="no answer"))
    assert run(["destroy", "production"]) == FAILED
    shown = capsys.readouterr()
    assert "this takes away 2 DNS records" in shown.out
    assert '  example.test TXT "v=spf1 mx ~all"' in shown.out
    assert "took them over. They stay:" in shown.out
    assert "The zones could not be read" in " ".join(shown.err.split())
    assert "'prodction' is not production: nothing was changed" in shown.err


def test_a_domain_that_keeps_no_mx_record_is_named_before_the_question() -> None:
    """One whose MX record of others stays is told with where its mail goes then."""
    ours = [
        {"type": RECORD, "outputs": {"id": number, "name": name, "type": "MX"}}
        for number, name in (("1", "a.test"), ("2", "b.test"), ("3", "b.test"))
    ]
    listed = [
        {"id": "1", "type": "MX", "name": "a.test", "content": "mx1.example.test"},
        {"id": "3", "type": "MX", "name": "b.test", "content": "mx2.example.test"},
        {"id": "9", "type": "MX", "name": "B.test", "content": "Mailbox1.example.test."},
        {"id": "8", "type": "TXT", "name": "a.test", "content": "v=spf1 mx"},
        {"id": "7", "type": "MX", "name": "c.test", "content": "mailbox1.example.test"},
    ]
    assert taken.exchangers(ours, listed) == {"a.test": [], "b.test": ["mailbox1.example.test"]}


def test_a_record_that_was_taken_over_stays_unless_it_is_to_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []

    def destroy(*_: Any, **__: Any) -> int:
        calls.append("destroy")
        return OK

    monkeypatch.setattr(engine, "install", lambda: None)
    monkeypatch.setattr(state, "locked", lambda stack: None)
    monkeypatch.setattr(state, "deployment", lambda stack: {"resources": STATE})
    monkeypatch.setattr(state, "forget", lambda stack, urns, failed: calls.extend(urns))
    monkeypatch.setattr(queues, "count", lambda settings: {"mx1": 0})
    monkeypatch.setattr(verb_destroy, "settings_of", adopting)
    monkeypatch.setattr(verb_destroy, "carry_out", destroy)
    for options, expected in (
        ([], ["u::dns-spf", "destroy"]),
        (["--refresh=false"], ["u::dns-spf", "destroy"]),
        (["--adopted-too"], ["destroy"]),
        (["--target", "u::dns-spf"], ["destroy"]),
    ):
        calls.clear()
        assert run(["destroy", "production", "--yes", *options]) == OK
        assert calls == expected
