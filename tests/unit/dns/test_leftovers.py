"""Records that a former set-up left, where the stack publishes none of the kind."""

from __future__ import annotations

from typing import Any

from components.dns.leftovers import told
from tests.unit.dns.test_exchangers import ARRIVES, ZONE, settings

TLSA = {"id": "t", "type": "TLSA", "name": f"_25._tcp.mx1.{ZONE}", "content": "3 1 1 00"}
STS = {"id": "s", "type": "TXT", "name": f"_mta-sts.{ZONE}", "content": '"v=STSv1; id=1"'}


def sentences(record: dict[str, Any], *ours: str, **domain: Any) -> list[str]:
    return [*told(settings(**domain), {ZONE: [record]}, set(ours))]


def test_tlsa_records_of_a_former_key_are_told_before_the_host_serves_another() -> None:
    [only] = sentences(TLSA)
    assert only.startswith("_25._tcp.mx1.example.test has 1 TLSA record that the stack does not")
    assert "senders with DANE defer their mail to the host unless" in only
    assert sentences(TLSA, "t") == []
    assert sentences({**TLSA, "name": f"_25._tcp.old.{ZONE}"}) == []


def test_an_announced_policy_is_told_before_our_hosts_get_mail() -> None:
    [only] = sentences(STS, **ARRIVES)
    assert "Let the policy name this stack's MX hosts, and wait for its max_age" in only
    assert sentences(STS, "s", **ARRIVES) == []
    # components/dns/foreign.py tells it beside a record of ours.
    assert sentences(STS) == []
