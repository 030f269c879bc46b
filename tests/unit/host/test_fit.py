"""Hosts that lie about what they are: each row of the table of checks, and what it stops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.host import facts, fit
from components.host.checks import CHECKS, Asked, findings, words
from components.host.facts import POSTFIX, Facts
from components.host.held import Held
from components.host.seen import Seen
from components.protocol import warnings
from components.settings.environment import Settings, from_mapping
from tests.support.mapping import mapping

NOW = 1_700_000_000.0
PLACE = "mailbox1.example.test:25"
GOOD = Facts(
    whole=True,
    root=True,
    release="debian 13",
    memory=2000,
    disk=20000,
    time=int(NOW),
    addresses=["198.18.77.11", "2001:db8:77::11"],
    smtp=[],
    systemd=True,
    reach={PLACE: "220 mailbox1.example.test ESMTP"},
    ptr={"198.18.77.11": "mx1.example.test", "2001:db8:77::11": "mx1.example.test"},
)


def settings(**host: Any) -> Settings:
    values = mapping()
    values["hosts"]["mx1"] |= {"ipv6": "2001:db8:77::11"} | host
    return from_mapping(values)


def asked(told: Facts, **more: Any) -> Asked:
    return Asked(
        settings(), "mx1", told, ("example.test",), here=(NOW, NOW), owner="mx/site", **more
    )


# The row, what the host says instead, what it stops, and words of the finding.
LIES: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "12 where 13 is written": (
        "release of Debian",
        {"release": "debian 12"},
        "host",
        "hosts.mx1.debian is 13, but the host runs debian 12: write `debian: 12`",
    ),
    "no Debian": ("release of Debian", {"release": "ubuntu 24.04"}, "host", "set up Debian 12 or"),
    "a login without root": (
        "root",
        {"root": False},
        "host",
        "cannot become root without a password",
    ),
    "a host of another stack": (
        "stack",
        {"owners": ["mx/other"]},
        "host",
        "the host belongs to the stack 'mx/other', not to 'mx/site': `mx destroy other`",
    ),
    "a container without systemd": ("systemd", {"systemd": False}, "host", "systemd is not"),
    "small memory": ("memory", {"memory": 900}, "host", "memory: 900 MiB"),
    "memory for fewer sessions than smtpdProcesses": (
        "memory at full load",
        {"memory": 1500},
        "told",
        "memory: 1500 MiB; with all 200 SMTP sessions and full caches the services take 1778 MiB",
    ),
    "a full disk": (
        "free disk",
        {"disk": 120},
        "host",
        "120 MiB: packages and the queue need 3000",
    ),
    "a clock a day behind": ("clock", {"time": int(NOW) - 86400}, "host", "86400 s behind"),
    "a clock ahead": ("clock", {"time": int(NOW) + 90}, "host", "90 s ahead of"),
    "exim on port 25": (
        "port 25",
        {"smtp": ["/usr/sbin/exim4"]},
        "host",
        "port 25 is in use by /usr/sbin/exim4",
    ),
    "a container's program on port 25": ("port 25", {"smtp": [""]}, "host", "another container"),
    "no IPv6": (
        "own addresses",
        {"addresses": ["198.18.77.11"]},
        "host",
        "hosts.mx1.ipv6: 2001:db8:77::11 is on none of the host's interfaces",
    ),
    "another IPv4 address": (
        "own addresses",
        {"addresses": ["10.0.0.5", "2001:db8:77::11"]},
        "host",
        "hosts.mx1.ipv4: 198.18.77.11 is on none of the host's interfaces",
    ),
    "mailbox port closed": (
        "mailbox host",
        {"reach": {PLACE: ""}},
        "mx",
        f"{PLACE} is not reached: no greeting",
    ),
    "mailbox host that greets otherwise": (
        "mailbox host",
        {"reach": {PLACE: "554 no\x1b[31m"}},
        "mx",
        "mail for example.test would wait",
    ),
    "PTR missing": (
        "PTR",
        {"ptr": {"198.18.77.11": ""}},
        "told",
        "PTR of 198.18.77.11 is missing; it should be mx1.example.test",
    ),
    "a mailbox host whose name is mistyped": (
        "mailbox host",
        {"reach": {PLACE: "?"}},
        "mx",
        "is not reached: the host finds no address of that name; mail for example.test",
    ),
    "PTR of the provider": (
        "PTR",
        {"ptr": {"198.18.77.11": "static.provider.test."}},
        "told",
        "is static.provider.test., not mx1.example.test",
    ),
}


def test_host_that_can_be_an_mx_has_no_finding() -> None:
    assert findings(asked(GOOD)) == []
    for program in ("master", "smtpd", "postscreen"):
        assert findings(asked(replace(GOOD, smtp=[f"{POSTFIX}{program}"]))) == []
    assert findings(asked(replace(GOOD, ptr={"198.18.77.11": "MX1.example.test."}))) == []


@pytest.mark.parametrize("lie", LIES)
def test_host_that_lies_is_found_out_by_its_row(lie: str) -> None:
    name, changed, stops, sentence = LIES[lie]
    ((row, found),) = findings(asked(replace(GOOD, **changed)))
    assert (row.name, row.stops) == (name, stops)
    assert sentence in words([(row, found)])
    assert "\x1b" not in found.what


def test_every_row_has_a_host_that_lies() -> None:
    assert {lie[0] for lie in LIES.values()} | {"addresses tried from another host"} == {
        row.name for row in CHECKS
    }


def test_settings_that_ask_more_than_the_host_has_name_what_to_lower() -> None:
    values = mapping()
    values["hosts"]["mx1"] |= {"ipv6": "2001:db8:77::11"}
    values["postfix"] = {"smtpdProcesses": 1000}
    values["spamFilter"] = {"redisMemoryMebibytes": 1024}
    wrong = findings(replace(asked(GOOD), settings=from_mapping(values)))
    assert "with all 1000 SMTP sessions and full caches the services take 4946 MiB" in words(wrong)
    assert "lower postfix.smtpdProcesses, spamFilter.redisMemoryMebibytes or" in words(wrong)


def test_address_that_a_cloud_translates_is_the_hosts_own() -> None:
    nat = replace(GOOD, addresses=["10.0.0.5", "2001:db8:77::11"])
    assert findings(asked(nat, reached=frozenset({"198.18.77.11"}))) == []


def test_address_to_which_nobody_has_a_route_is_told() -> None:
    other = replace(GOOD, addresses=["198.18.77.11", "fd00::5"])
    ((row, _),) = findings(asked(other, unproven=frozenset({"2001:db8:77::11"})))
    assert (row.name, row.stops) == ("addresses tried from another host", "told")
    # Without any IPv6 address nothing can be translated to the host.
    none = replace(GOOD, addresses=["198.18.77.11"])
    found = findings(asked(none, unproven=frozenset({"2001:db8:77::11"})), "host")
    assert [row.name for row, _ in found] == ["own addresses"]


def test_host_with_packages_needs_less_disk() -> None:
    assert findings(asked(replace(GOOD, disk=1000), bare=False)) == []


def _judge(
    monkeypatch: pytest.MonkeyPatch, told: Facts, status: dict[str, Any], *moved: str
) -> tuple[dict[str, str], list[str]]:
    warned: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warned.append)
    monkeypatch.setattr(pulumi, "get_stack", lambda: "live")
    seen = {"mx1": Seen(True, status)}
    new = [("example.test", "mx1")]
    addresses = {"mx1": frozenset(moved)}
    return fit.judge(
        settings(), seen, {"mx1": told}, new, (NOW, NOW), addresses, owner="mx/live"
    ), warned


def test_host_without_postfix_is_not_set_up_and_the_preview_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused, warned = _judge(monkeypatch, replace(GOOD, memory=500), {})
    assert refused["mx1"].startswith("mx1 is not set up, and nothing was done there: memory: 500")
    assert warned == [
        "host mx1 cannot be set up: memory: 500 MiB: all services together need 1400 MiB"
    ]


def test_host_that_takes_mail_goes_on_whatever_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    status: dict[str, Any] = {"bundles": {"postfix": {}}}
    assert _judge(monkeypatch, replace(GOOD, memory=500), status) == ({}, [])


def test_serving_host_gets_no_address_that_is_not_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    status: dict[str, Any] = {"bundles": {"postfix": {}}}
    nobody: tuple[dict[str, frozenset[str]], ...] = ({"mx1": frozenset()}, {"mx1": frozenset()})
    monkeypatch.setattr(fit, "_try", lambda *_: nobody)
    told = replace(GOOD, addresses=["198.18.77.11"])
    # The AAAA record is there already: it stays.
    assert _judge(monkeypatch, told, status) == ({}, [])
    with pytest.raises(pulumi.RunError) as raised:
        _judge(monkeypatch, told, status, "2001:db8:77::11")
    assert str(raised.value).startswith(
        "stacks/Pulumi.live.yaml: mx:mail.hosts.mx1.ipv6: 2001:db8:77::11 is on none of the"
    )


def test_mailbox_port_that_is_closed_is_told_before_mail_of_a_live_domain_goes_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warned: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warned.append)
    seen = {"mx1": Seen(True, {"bundles": {"postfix": {}}})}
    for greeting, expected in (("220 mail", 0), ("", 1)):
        told = {"mx1": replace(GOOD, reach={PLACE: greeting})}
        routes = [("example.test", "mx1")]
        nobody = {"mx1": frozenset[str]()}
        assert fit.judge(settings(), seen, told, [], (NOW, NOW), nobody, routes) == {}
        assert len(warned) == expected
    assert f"the mailbox host {PLACE} is not reached: no greeting" in warned[0]
    found = warnings.read_held(warned[0])
    assert found is not None
    assert found[0] == "mx1"


@pytest.mark.parametrize(
    ("former", "is_new"),
    [("[{}]:{}", False), ("[{}]:{}0", True), ("[other.test]:{1}", True), (None, False)],
)
def test_domain_is_routed_anew_when_no_table_of_the_state_has_its_mailbox_host(
    former: str | None, is_new: bool
) -> None:
    name, _, port = PLACE.rpartition(":")
    text = former.format(name, port) if former else ""
    applied = {"mx1-mail-database": Held(text=f"smtp:{text}")} if former else {}
    found = fit.new_routes(settings(), applied)
    expected = [("example.test", "mx1"), ("example.test", "mx2")] if is_new else []
    assert found == expected


def test_address_is_new_until_its_record_has_it() -> None:
    urn = "urn:pulumi:live::mx::mx:dns:Dns$cloudflare:index/dnsRecord:DnsRecord::dns-{}-mx1"
    resources = {
        urn.format("a"): {"outputs": {"content": "198.18.77.11"}},
        urn.format("aaaa"): {"outputs": {"content": "2001:db8:77::12"}},
    }
    assert fit.new_addresses(settings(), resources)["mx1"] == {"2001:db8:77::11"}


@pytest.mark.parametrize("status", [{}, {"bundles": {"postfix": {}}}], ids=["bare", "set up"])
def test_another_release_ends_the_run_with_both(
    monkeypatch: pytest.MonkeyPatch, status: dict[str, Any]
) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        _judge(monkeypatch, replace(GOOD, release="debian 12"), status)
    assert str(raised.value).startswith(
        "stacks/Pulumi.live.yaml: mx:mail.hosts.mx1.debian is 13, but the host runs debian 12"
    )


@pytest.mark.parametrize("status", [{}, {"bundles": {"postfix": {}}}], ids=["bare", "set up"])
def test_host_of_another_stack_ends_the_run_before_dns_is_changed(
    monkeypatch: pytest.MonkeyPatch, status: dict[str, Any]
) -> None:
    assert _judge(monkeypatch, replace(GOOD, owners=["mx/live"]), status) == ({}, [])
    with pytest.raises(pulumi.RunError) as raised:
        _judge(monkeypatch, replace(GOOD, owners=["mx/lab"]), status)
    assert str(raised.value).startswith(
        "stacks/Pulumi.live.yaml: mx:mail.hosts.mx1: the host belongs to the stack 'mx/lab', not "
        "to 'mx/live': `mx destroy lab`"
    )


@pytest.mark.parametrize(
    ("client", "told"),
    [
        ("192.0.2.9", False),
        ("::ffff:192.0.2.9", False),
        ("198.51.100.1", True),
        ("2001:db8::1", True),
        ("", False),
        ("nobody", False),
    ],
)
def test_machine_that_new_rules_would_shut_out_is_told(
    monkeypatch: pytest.MonkeyPatch, client: str, told: bool
) -> None:
    values = mapping()
    values["hosts"]["mx1"] |= {"ipv6": "2001:db8:77::11"}
    values["firewall"] = {"sshNetworks": ["192.0.2.0/28"], "confirmSeconds": 45}
    monkeypatch.setitem(globals(), "settings", lambda: from_mapping(values))
    status: dict[str, Any] = {"bundles": {"postfix": {}}}
    _, warned = _judge(monkeypatch, replace(GOOD, client=client), status)
    assert any("which firewall.sshNetworks does not have" in text for text in warned) is told


def test_only_what_is_new_is_asked_for() -> None:
    found = settings()
    urn = "urn:pulumi:live::mx::mx:dns:Dns$cloudflare:index/dnsRecord:DnsRecord::dns-mx-{}-{}"
    first = urn.format("example.test", "mx1")
    assert fit.new_mx(found, {first: {}}) == [("example.test", "mx2")]
    assert facts.places(found, [("example.test", "mx2")]) == [PLACE, "ptr:198.18.77.12"]
    assert facts.places(found, []) == []
