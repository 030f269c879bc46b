"""Options of `mx`: a wrong value is one sentence with the value in it, before anything is asked."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from components.host import facts
from tests.unit.tools.mx.test_first_day import settings
from tools.mx.app import mx, run
from tools.mx.codes import USAGE
from tools.status.names import Names, NoResolver, place

WRONG = {
    "a resolver by name": ["status", "--resolver", "dns.example", "a.test"],
    "a resolver whose port is no number": ["status", "--resolver", "192.0.2.1@abc", "a.test"],
    "a resolver whose port is too high": ["status", "--resolver", "192.0.2.1@99999", "a.test"],
    "a resolver with an empty port": ["status", "--resolver", "192.0.2.1@", "a.test"],
    "a resolver of a check": ["check", "production", "--resolver", "foo"],
    "a resolver of the probes by name": ["monitoring", "production", "x", "--resolver", "foo"],
    "no number of seconds": ["status", "--timeout", "nan", "a.test"],
    "no time at all": ["status", "--timeout", "0", "a.test"],
    "a negative time": ["status", "--timeout", "-1", "a.test"],
    "a negative number of days": ["status", "--days", "-5", "a.test"],
    "a factor that is none": ["monitoring", "production", "x", "--hold-factor", "inf"],
    "an empty label in a block list": ["status", "--blocklist", "a..b", "a.test"],
    "an empty label in a selector": ["status", "--selector", "a..b", "a.test"],
    "a name for EHLO with a blank": ["status", "--helo", "a b", "a.test"],
    "another line of SMTP in the name": ["status", "--helo", "a\r\nMAIL", "a.test"],
    "a line of SMTP in a scope": ["status", "--helo", "[IPv6:fe80::1%x\r\nMAIL]", "a.test"],
    "another line in a scope": ["monitoring", "production", "x", "--resolver", "fe80::1%e\nfoo: a"],
    "an IPv6 address without its tag": ["status", "--helo", "[2001:db8::1]", "a.test"],
    "an address literal that is none": ["status", "--helo", "[192.0.2.300]", "a.test"],
    "a host without a port": ["check", "production", "--outbound", "mail.example.org"],
    "a port that is too high": ["check", "production", "--outbound", "mail.example.org:99999"],
    "a command of a shell": ["check", "production", "--outbound", "$(id):25"],
}


@pytest.mark.parametrize("state", WRONG)
def test_wrong_value_is_64_and_is_named(state: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = WRONG[state]
    option = next(each for each in arguments if each.startswith("--"))
    value = arguments[arguments.index(option) + 1]
    assert run(arguments) == USAGE
    said = capsys.readouterr().err
    assert f"Invalid value for '{option}': " in said
    assert f"'{option}': {value!r} is n" in said or f"{value} is not in the range" in said


def test_file_without_certificates_is_no_authority(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("nothing\n")
    assert run(["status", "--ca-file", str(path), "a.test"]) == USAGE
    assert f"{path} has no certificates in PEM" in capsys.readouterr().err


RIGHT = {
    "a resolver": ("status", "resolver", "192.0.2.1"),
    "a resolver with a port": ("status", "resolver", "2001:db8::1@5353"),
    "a name": ("status", "helo", "probe.example.org"),
    "an address literal": ("status", "helo", "[IPv6:2001:db8::1]"),
    "a name of one label": ("status", "helo", "Probe"),
    "a block list of one's own": ("status", "blocklist", "Rbl._x.example.org."),
    "a resolver of the link": ("status", "resolver", "fe80::1%eth0.1"),
    "a selector of two labels": ("status", "selector", "s1._x"),
    "a mail host": ("check", "outbound", "mail.example.org:25"),
    "a mail host by its address": ("check", "outbound", "192.0.2.1:25"),
    "a mail host by its IPv6 address": ("check", "outbound", "2001:db8::1:25"),
    "a mail host of the house": ("check", "outbound", "relay_1:25"),
}


@pytest.mark.parametrize("state", RIGHT)
def test_right_value_is_taken_as_it_was_given(state: str) -> None:
    verb, name, value = RIGHT[state]
    [option] = [each for each in mx.commands[verb].params if each.name == name]
    assert option.type.convert(value, option, click.Context(mx.commands[verb])) == value


def test_place_of_a_resolver_is_address_and_port() -> None:
    assert place("192.0.2.1") == ("192.0.2.1", 53)
    assert place("2001:db8::1@5353") == ("2001:db8::1", 5353)


def test_machine_without_a_resolver_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import dns.resolver

    def none(_: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "Resolver", lambda: none(None))
    with pytest.raises(NoResolver, match="--resolver IP"):
        Names(None, 1)
    assert run(["status", "a.test"]) == 1
    assert "names no resolver" in capsys.readouterr().err


def test_places_are_words_of_the_remote_shell() -> None:
    assert facts.call(settings(), ["$(id):25"]).endswith("sh -s -- '$(id):25'")
