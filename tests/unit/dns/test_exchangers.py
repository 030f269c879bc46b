"""What a preview says of a live domain whose MX records are not, or not only, the stack's."""

from __future__ import annotations

from typing import Any

import pytest

from components.dns.exchangers import told
from components.settings.environment import Settings, from_mapping

ZONE = "example.test"
OLD = {"id": "o", "type": "MX", "name": "Example.Test", "content": "old.test.", "priority": 10.0}
OWN = {"id": "m", "type": "MX", "name": ZONE, "content": "mx1.example.test", "priority": 10}


def settings(spf: str = "v=spf1 mx ~all", **domain: Any) -> Settings:
    mail = {
        "ssh": {"knownHostsFile": "known_hosts"},
        "hosts": {
            name: {"hostname": f"{name}.{ZONE}", "ipv4": address}
            for name, address in (("mx1", "5.5.5.5"), ("mx2", "6.6.6.6"))
        },
        "mailboxHosts": {"box": {"hostname": "box.example.net"}},
        "dns": {"zones": {ZONE: "0" * 32}, "records": {"spf": spf}},
        "domains": {ZONE: {"mailboxHost": "box", "recipients": ["postmaster"], **domain}},
    }
    return from_mapping(mail, "test")


ARRIVES: dict[str, Any] = {"leavingMx": ["mx1", "mx2"]}


def test_a_domain_that_arrives_keeps_its_mail_where_it_is() -> None:
    first, second = told(settings(**ARRIVES), {ZONE: [OLD, OWN]}, {"m"})
    assert first == (
        "Mail for example.test goes to old.test, preference 10. This stack publishes no MX record "
        "of example.test, because `leavingMx` or `leaving` has mx1 and mx2. These hosts take mail "
        "that is sent there by name."
    )
    assert second.startswith("The SPF record of example.test has the term mx, which names old.test")


def test_a_domain_that_leaves_before_anybody_else_has_its_mx_is_told() -> None:
    [only] = told(settings(**ARRIVES), {ZONE: [OWN]}, {"m"})
    assert only.startswith("example.test will have no MX record, so senders do not find its hosts.")


@pytest.mark.parametrize(
    ("spf", "others", "count"),
    [
        ("v=spf1 mx ~all", [OLD], 1),
        ("v=spf1 mx ~all", [], 0),
        ("v=spf1 a:old.test ~all", [OLD], 0),
        ("v=spf1 mx a:old.test ~all", [OLD], 0),
        ("v=spf1 mx:other.test ~all", [OLD], 0),
        ("none", [OLD], 0),
        # A null MX (RFC 7505), and a host of the stack that somebody wrote by hand.
        ("v=spf1 mx ~all", [{**OLD, "content": "."}, {**OLD, "content": "mx2.example.test"}], 0),
    ],
)
def test_mx_in_spf_names_a_host_only_while_it_has_an_mx_record(
    spf: str, others: list[dict[str, Any]], count: int
) -> None:
    assert len([*told(settings(spf), {ZONE: others}, {"m"})]) == count


@pytest.mark.parametrize(
    ("spf", "addresses", "told_of"),
    [
        ("v=spf1 mx ip4:9.9.9.0/24 ip6:2620:fe::/48 ~all", ["9.9.9.9", "2620:fe::9"], ""),
        ("v=spf1 mx ip4:9.9.9.9 ~all", ["9.9.9.9", "2620:fe::9"], "9.9.9.9? Then nothing"),
        ("v=spf1 mx ip4:9.9.9.9 ip6:2620:fe::/48 ~all", [], "9.9.9.9 or 2620:fe::/48? Then"),
        ("v=spf1 mx ip4:9.9.9.9 ~all", ["not an address"], "9.9.9.9? Then nothing"),
        ("v=spf1 mx ~all", ["9.9.9.9"], "as the MX record exists. If mail"),
    ],
)
def test_an_address_that_spf_names_needs_no_other_term(
    spf: str, addresses: list[str], told_of: str
) -> None:
    a = [
        {"type": "AAAA" if ":" in address else "A", "name": "old.test", "content": address}
        for address in addresses
    ]
    lines = [*told(settings(spf), {ZONE: [OLD], "test": a}, {"m"})]
    assert len(lines) == bool(told_of)
    assert told_of in "".join(lines)


def test_a_zone_that_was_not_listed_is_not_judged() -> None:
    assert [*told(settings(**ARRIVES), {}, set())] == []


def test_an_mx_record_of_a_former_stack_brings_mail_to_a_host_that_is_kept_out() -> None:
    """`leavingMx` promises that no mail comes before the host serves."""
    left = {"id": "x", "type": "MX", "name": ZONE, "content": "MX1.example.test.", "priority": 10}
    first, named, _ = told(settings(**ARRIVES), {ZONE: [OLD, left]}, set())
    assert "goes to mx1.example.test, preference 10; old.test, preference 10." in first
    assert named == (
        "An MX record of example.test names mx1.example.test, preference 10. The record is not "
        "this stack's, and `leavingMx` or `leaving` has mx1. Mail comes to the host now, set up or "
        "not. If that is not meant, remove the record (ID x)."
    )


def test_an_mx_record_that_names_a_host_that_does_not_serve_the_domain_is_told() -> None:
    other = {"id": "x", "type": "MX", "name": ZONE, "content": "mx2.example.test", "priority": 30}
    [only] = told(settings(mx=["mx1"]), {ZONE: [OWN, other]}, {"m"})
    assert "mx2 is not in domains.example.test.mx. The host refuses the domain's mail." in only
    assert [*told(settings(mx=["mx1", "mx2"]), {ZONE: [OWN, other]}, {"m"})] == []
