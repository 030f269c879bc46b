"""The TLS policy service: who wins, what defers, and the settings that choose it."""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import dns.name
import dns.rdata
import pytest

from components.services.monitoring import exporters
from components.services.postfix import main_cf as postfix_main
from components.services.tls_policy import units as tls_policy
from components.services.tls_reports import units as tls_reports
from components.settings.environment import from_mapping
from components.stack.outputs import Thresholds
from tests.support.loops import in_own_loop
from tests.support.mapping import mapping
from tests.support.stacks import ROOT
from tools.monitoring import alerts

LIBRARY = ROOT / "components/services/tls_policy/files/usr/local/lib/mx"
STS = "OK secure match=mx1.a.test:mx2.a.test servername=hostname"
GOOD = "3 1 1 " + "ab" * 32


@pytest.fixture
def service() -> Iterator[Any]:
    """Give modules of the package by name, as the host imports them."""
    sys.path.insert(0, str(LIBRARY))
    yield lambda name: importlib.import_module(f"mx_tls_policy.{name}")
    sys.path.remove(str(LIBRARY))


@dataclass
class World:
    """DNS as a mapping: "NAME TYPE" to records, "!" for SERVFAIL; insecure names are listed."""

    service: Any
    records: dict[str, list[str]]
    insecure: tuple[str, ...] = ()
    sts: str = STS
    asked: list[str] = field(default_factory=list)

    async def resolve(self, name: str, kind: str) -> Any:
        dane = self.service("dane")
        key = f"{name} {kind}"
        self.asked.append(key)
        texts = self.records.get(key, [])
        if texts == ["!"]:
            raise dane.LookupFailed(key)
        made = [dns.rdata.from_text("IN", kind, text, dns.name.root) for text in texts]
        return dane.Answer(name, key not in self.insecure, "nothing" not in name, made)

    async def ask(self, domain: str) -> str:
        self.asked.append(f"sts {domain}")
        if self.sts == "down":
            raise ConnectionRefusedError("refused")
        return self.sts

    def answer(self, key: str = "a.test") -> str:
        said = self.service("policy").answer(key, self.resolve, self.ask)
        return str(in_own_loop(said))


def hosts(*tlsa: str, **changed: list[str]) -> dict[str, list[str]]:
    """a.test with an MX host for each TLSA record, "" for none."""
    found = {"a.test MX": [f"10 mx{number}.a.test" for number in range(1, len(tlsa) + 1)]}
    for number, record in enumerate(tlsa, 1):
        found[f"mx{number}.a.test A"] = [f"192.0.2.{number}"]
        found[f"_25._tcp.mx{number}.a.test TLSA"] = [record] if record else []
    return found


UNSIGNED_MX, UNSIGNED_A = ("a.test MX",), ("mx1.a.test A",)
CASES: dict[str, tuple[dict[str, list[str]], tuple[str, ...], str, str]] = {
    "dane_on_all": (hosts(GOOD, GOOD), (), STS, "OK dane-only"),
    "dane_needs_no_sts": (hosts(GOOD), (), "down", "OK dane-only"),
    "neither": (hosts(""), (), "NOTFOUND ", "NOTFOUND "),
    "sts_alone": (hosts("", ""), (), STS, STS),
    "some_with_dane_and_sts": (hosts(GOOD, ""), (), STS, "OK dane-only"),
    "some_with_dane": (hosts(GOOD, ""), (), "NOTFOUND ", "NOTFOUND "),
    "mx_not_signed": (hosts(GOOD), UNSIGNED_MX, STS, STS),
    "addresses_not_signed": (hosts(GOOD), UNSIGNED_A, STS, STS),
    "tlsa_not_signed": (hosts(GOOD), ("_25._tcp.mx1.a.test TLSA",), STS, STS),
    "tlsa_of_no_use": (hosts("1 1 1 " + "ab" * 32), (), STS, STS),
    "tlsa_fails": (hosts("!"), (), STS, "OK dane-only"),
    "one_host_without_address": (hosts(GOOD, "") | {"mx2.a.test A": []}, (), STS, "OK dane-only"),
    "own_host": (
        {"a.test A": ["192.0.2.1"], "_25._tcp.a.test TLSA": [GOOD]},
        (),
        STS,
        "OK dane-only",
    ),
    "null_mx": ({"a.test MX": ["0 ."]}, (), STS, "NOTFOUND "),
}


@pytest.mark.parametrize("case", CASES)
def test_who_wins(service: Any, case: str) -> None:
    records, insecure, sts, expected = CASES[case]
    assert World(service, records, insecure, sts).answer() == expected


@pytest.mark.parametrize(
    ("records", "sts"),
    [
        (hosts("") | {"a.test MX": ["!"]}, STS),
        (hosts(""), "down"),
        (hosts(""), "TEMP busy"),
        (hosts(""), "OK may"),
        (hosts(GOOD, ""), "down"),
    ],
)
def test_a_failure_puts_mail_off(
    service: Any, records: dict[str, list[str]], sts: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert World(service, records, sts=sts).answer().startswith("TEMP ")
    assert capsys.readouterr().err.startswith("a.test: put off: ")


def test_neither_a_next_hop_nor_another_service_draws_on_the_journal(
    service: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(service, hosts(""), sts="TEMP \x1b]0;owned\x07")
    answer = world.answer("a.test\u2028\x1b[2Jb")
    assert answer == world.answer("a.test")
    said = capsys.readouterr().err
    assert said.startswith("a.test\\u2028\\x1b[2Jb: put off: the MTA-STS service says ")
    assert (answer + said).replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "key",
    [".a.test", "[mx1.a.test]", "[mx1.a.test]:587", "192.0.2.1", "2001:db8::1", "", "[::1]:25"],
)
def test_what_has_no_mx_is_not_looked_up(service: Any, key: str) -> None:
    world = World(service, hosts(GOOD))
    assert world.answer(key) == "NOTFOUND "
    assert world.asked == []


def test_a_port_is_that_of_the_tlsa_record(service: Any) -> None:
    world = World(service, hosts("") | {"_587._tcp.mx1.a.test TLSA": [GOOD]})
    assert world.answer("A.test:587") == "OK dane-only"


def test_an_address_without_signature_is_asked_for_no_tlsa(service: Any) -> None:
    world = World(service, hosts("!"), UNSIGNED_A)
    assert world.answer() == STS
    assert "_25._tcp.mx1.a.test TLSA" not in world.asked


@pytest.mark.parametrize(
    "sent", [b"x", b"5:abcde;", b"9:ab", b"9999999:a", b"-1:,", b"2:\xff\xff,"]
)
def test_what_is_no_netstring_is_refused(service: Any, sent: bytes) -> None:
    socketmap = service("socketmap")

    async def read() -> str | None:
        reader = asyncio.StreamReader()
        reader.feed_data(sent)
        reader.feed_eof()
        answer: str | None = await socketmap.read(reader)
        return answer

    with pytest.raises(socketmap.ProtocolError):
        in_own_loop(read())


def maps(tls: dict[str, Any], certificates: bool) -> str:
    own: dict[str, Any] = {"postfix": {"tls": tls}}
    if certificates:
        own["certificates"] = {"acceptTerms": True}
    settings = from_mapping(mapping() | own)
    lines = postfix_main.sections(settings, "mx1")["40-transport.cf"].splitlines()
    assert tls_policy.used(settings) == any("mx-tls-policy/policy.sock" in line for line in lines)
    return next(line for line in lines if line.startswith("smtp_tls_policy_maps"))


def test_the_service_is_used_where_tls_is() -> None:
    ours = "socketmap:unix:mx-tls-policy/policy.sock:QUERY"
    assert maps({}, certificates=True).endswith(f", {ours}")
    assert "socketmap" not in maps({}, certificates=False)
    assert "socketmap" not in maps({"policyService": "none"}, certificates=True)
    other = {"policyService": "inet:192.0.2.1:8461:QUERY"}
    assert maps(other, certificates=True).endswith(", socketmap:inet:192.0.2.1:8461:QUERY")


@pytest.mark.parametrize(
    "unit", [tls_policy.UNIT, tls_policy.STS_UNIT, tls_reports.COLLECTD, tls_reports.REPORTD]
)
def test_a_service_that_is_down_raises_an_alert(unit: str) -> None:
    thresholds = Thresholds(
        certificate_warning_days=14, queue_age_seconds=3600, silence_seconds=21600
    )
    expr = next(each.expr for each in alerts.alerts(thresholds) if each.name == "MxServiceDown")
    watched = re.search(r'name=~"([^"]+)"', expr)
    assert watched is not None
    assert re.fullmatch(watched[1], unit)
    own: dict[str, Any] = {"monitoring": {"networks": ["192.0.2.0/24"]}}
    values = mapping() | own
    for host in values["hosts"].values():
        host["monitoringAddress"] = "10.0.0.1"
    given = re.search(
        r"--collector.systemd.unit-include=(\S+)",
        exporters.node_exporter(from_mapping(values), "mx1", [tls_policy.STS_UNIT]),
    )
    assert given is not None
    assert re.fullmatch(given[1], unit)
