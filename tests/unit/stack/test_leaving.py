"""An MX host that leaves: out of DNS first, and refused when it would leave at once."""

from __future__ import annotations

from typing import Any

import pytest

from components.dns import records as dns_records
from components.dns.records import Facts
from components.services.mta_sts import policy as mta_sts
from components.settings.environment import Settings, from_mapping
from components.stack.leaving import faults, other_keys, other_names
from tests.support.mapping import KEY, mapping

BOTH = {"example.test": ["mx1.example.test", "mx2.example.test"]}
HOSTS = {
    key: {"hostname": f"{key}.example.test", "ipv4": f"198.18.77.1{key[-1]}"}
    for key in ("mx1", "mx2")
}
LEFT = "mx2.example.test still has an MX record"


def settings(sts: bool = True, **domain: Any) -> Settings:
    values = mapping() | {"certificates": {"acceptTerms": True}}
    if sts:
        domain["mtaSts"] = {"mode": "enforce"} | domain.get("mtaSts", {})
    values["domains"]["example.test"] |= domain
    return from_mapping(values)


def without_mx2(**sts: Any) -> Settings:
    values = mapping() | {"certificates": {"acceptTerms": True}}
    del values["hosts"]["mx2"]
    values["domains"]["example.test"]["mtaSts"] = {"mode": "enforce"} | sts
    return from_mapping(values)


def records(of: Settings) -> dict[str, dns_records.Record]:
    facts = Facts(
        sts_ids=mta_sts.ids(of), dkim={key: {"example.test": "v=DKIM1"} for key in of.hosts}
    )
    return {record.key: record for record in dns_records.records(of, facts)}


@pytest.mark.parametrize("how", ["domain", "listed", "host"])
def test_a_host_that_leaves_goes_from_dns_and_from_nothing_else(how: str) -> None:
    before = settings()
    if how == "host":
        values = mapping() | {"certificates": {"acceptTerms": True}}
        values["hosts"]["mx2"]["leaving"] = True
        values["domains"]["example.test"]["mtaSts"] = {"mode": "enforce"}
        after = from_mapping(values)
    else:
        after = settings(leavingMx=["mx2"], mx=["mx1"] if how == "listed" else None)
    gone = set(records(before)) - set(records(after))
    assert gone == {"mx-example.test-mx2", "sts-a-example.test-mx2"}
    assert mta_sts.ids(after) == mta_sts.ids(before)
    assert after.domains_of("mx2") == ["example.test"]
    assert faults(after, BOTH) == []


@pytest.mark.parametrize("listed", [None, []])
def test_a_domain_that_leaves_has_its_policy_served_and_its_mail_taken_to_the_end(
    listed: list[str] | None,
) -> None:
    new = {"alsoMx": ["mx.other.test"]}
    before = settings(mtaSts=new)
    after = settings(leavingMx=["mx1", "mx2"], mx=listed, mtaSts=new)
    gone = set(records(before)) - set(records(after))
    assert gone == {"mx-example.test-mx1", "mx-example.test-mx2"}
    assert mta_sts.ids(after) == mta_sts.ids(before)
    assert after.domains_of("mx1") == after.domains_of("mx2") == ["example.test"]
    assert faults(after, BOTH) == []


def test_a_domain_leaves_without_its_new_hosts_by_a_policy_that_ends() -> None:
    assert (
        settings(leavingMx=["mx1", "mx2"], mtaSts={"mode": "none"}).exchangers("example.test") == []
    )


def test_a_host_that_would_refuse_what_still_comes_does_not_leave_at_once() -> None:
    for sts in (True, False):
        [line] = faults(settings(sts, mx=["mx1"]), BOTH)
        assert line.startswith(f"domains.example.test.leavingMx: {LEFT}")
        assert "list mx2 here" in line
    assert faults(settings(mx=["mx1"]), {"example.test": ["mx1.example.test"]}) == []


def test_a_host_that_is_lost_stays_in_the_policy() -> None:
    [line] = faults(without_mx2(), BOTH)
    assert line.startswith(f"domains.example.test.mtaSts.alsoMx: {LEFT}")
    assert faults(without_mx2(alsoMx=["mx2.example.test"]), BOTH) == []


def test_what_no_up_has_published_leaves_nothing() -> None:
    assert faults(settings(mx=["mx1"]), {}) == []
    assert faults(settings(), {"gone.example.test": ["mx9.example.test"]}) == []


@pytest.mark.parametrize(
    ("host", "what"),
    [
        ({"hostname": "mx2.example.test", "ipv4": "198.18.77.12"}, "198.18.77.12"),
        ({"hostname": "mx3.example.test", "ipv4": "198.18.77.12"}, "198.18.77.12"),
        ({"hostname": "mx2.example.test", "ipv4": "198.18.77.13"}, "mx2.example.test"),
        (
            {"hostname": "mx3.example.test", "ipv4": "198.18.77.13", "sshAddress": "198.18.77.12"},
            "198.18.77.12",
        ),
    ],
    ids=["another_key", "another_name_on_the_machine", "another_machine", "ssh_to_the_machine"],
)
def test_a_machine_is_not_cleared_after_it_got_another_key(host: dict[str, str], what: str) -> None:
    assert other_keys(settings(), HOSTS) == []
    values = mapping()
    del values["hosts"]["mx2"]
    assert other_keys(from_mapping(values), HOSTS) == []
    values["hosts"]["second"] = host | {"hostKey": KEY}
    [line] = other_keys(from_mapping(values), HOSTS)
    assert line.startswith(f"hosts.second: {what} is the machine of hosts.mx2")
    assert "Keep the key mx2" in line


def test_a_host_that_senders_know_does_not_get_another_name() -> None:
    assert other_names(settings(), HOSTS, BOTH) == []
    values = mapping()
    values["hosts"]["mx2"]["hostname"] = "mail.example.test"
    [line] = other_names(from_mapping(values), HOSTS, BOTH)
    assert line.startswith("hosts.mx2.hostname: mx2.example.test is MX of example.test, and its ")
    assert other_names(from_mapping(values), HOSTS, {"example.test": ["mx1.example.test"]}) == []
