"""What `mx adopt` can take over of a live zone as it is, and what only a person can."""

from __future__ import annotations

from typing import Any

import pytest

from components.dns import records as dns_records
from components.settings.environment import Settings, from_mapping
from tests.support.mapping import mapping
from tools.adopt.offers import Edit, Found, find, unquoted

ZONE, OTHER = "example.test", "f" * 32


def settings() -> Settings:
    values = mapping()
    values["dns"]["records"] = {
        "spf": "v=spf1 mx -all",
        "dmarc": "v=DMARC1; p=reject",
        "tlsRpt": "v=TLSRPTv1; rua=mailto:alice@example.test",
    }
    values["dns"]["caa"] = {"issue": ["ca.test"]}
    return from_mapping(values)


def judged(*others: dict[str, Any], held: dict[str, str] | None = None) -> Found:
    stack = settings()
    wanted = dns_records.records(stack, dns_records.Facts(sts_ids={ZONE: "1"}))
    rows = [{"id": OTHER, "ttl": 300, "name": ZONE, "type": "TXT"} | other for other in others]
    return find(stack, wanted, {ZONE: rows}, held or {})


SPF = {"content": '"v=spf1 include:_spf.example.net ~all"'}
ADOPTED: dict[str, tuple[dict[str, Any], list[Edit]]] = {
    "an SPF of others": (
        SPF,
        [
            (("domains", ZONE, "records", "spf"), "v=spf1 include:_spf.example.net ~all"),
            (("dns", "recordTtlSeconds", f"spf-{ZONE}"), 300),
            (("dns", "adopt", f"spf-{ZONE}"), OTHER),
        ],
    ),
    "the SPF that we would write, with our TTL": (
        {"content": '"v=spf1 mx -all"', "ttl": 3600},
        [(("dns", "adopt", f"spf-{ZONE}"), OTHER)],
    ),
    "a DMARC policy with the automatic TTL": (
        {"name": f"_dmarc.{ZONE}", "content": '"v=DMARC1; p=none"', "ttl": 1},
        [
            (("domains", ZONE, "records", "dmarc"), "v=DMARC1; p=none"),
            (("dns", "recordTtlSeconds", f"dmarc-{ZONE}"), 1),
            (("dns", "adopt", f"dmarc-{ZONE}"), OTHER),
        ],
    ),
    "a TLSRPT record": (
        {"name": f"_smtp._tls.{ZONE}", "content": '"v=TLSRPTv1; rua=https://r.test"', "ttl": 3600},
        [
            (("domains", ZONE, "records", "tlsRpt"), "v=TLSRPTv1; rua=https://r.test"),
            (("dns", "adopt", f"tlsrpt-{ZONE}"), OTHER),
        ],
    ),
    "the address of an MX host": (
        {"name": "mx1.example.test", "type": "A", "content": "198.18.77.11", "ttl": 3600},
        [(("dns", "adopt", "a-mx1"), OTHER)],
    ),
    "our own MX": (
        {"type": "MX", "content": "mx1.example.test", "priority": 10, "ttl": 3600},
        [(("dns", "adopt", f"mx-{ZONE}-mx1"), OTHER)],
    ),
    "a CAA record with the same property": (
        {
            "name": "mx1.example.test",
            "type": "CAA",
            "content": '0 issue "ca.test"',
            "data": {"flags": 0, "tag": "issue", "value": "ca.test"},
            "ttl": 3600,
        },
        [(("dns", "adopt", "caa-mx1-issue-ca.test"), OTHER)],
    ),
}  # fmt: skip
BY_HAND: dict[str, tuple[dict[str, Any], str]] = {
    "a broken SPF": ({"content": '"v=spf1 include: -all"'}, "correct it first"),
    "an SPF without quotes": ({"content": "v=spf1 mx ~all"}, "without quotes"),
    "an SPF cut in two": ({"content": '"v=spf1 mx" " ~all"'}, "another way"),
    "an SPF with a comment": (SPF | {"comment": "asked Eve"}, "comment or tags"),
    "an address behind the proxy": (
        {"name": "mx1.example.test", "type": "A", "content": "198.18.77.11", "proxied": True},
        "switch the proxy off",
    ),
    "a policy id of others": (
        {"name": f"_mta-sts.{ZONE}", "content": '"v=STSv1; id=old"'},
        "the stack makes this text itself",
    ),
    "a CNAME at the policy host": (
        {"name": f"mta-sts.{ZONE}", "type": "CNAME", "content": "policy.example.net"},
        "the only record of its name",
    ),
    "an SPF of others at an MX host": (
        {"name": "mx1.example.test", "content": '"v=spf1 ip4:192.0.2.1 -all"'},
        "the stack makes this text itself",
    ),
}


@pytest.mark.parametrize("state", ADOPTED)
def test_taken_over_as_it_is(state: str) -> None:
    other, edits = ADOPTED[state]
    found = judged(other)
    assert [list(each.edits) for each in found.offers] == [edits]
    assert found.beside == []


@pytest.mark.parametrize("state", BY_HAND)
def test_left_to_a_person_with_the_reason(state: str) -> None:
    other, words = BY_HAND[state]
    found = judged(other)
    assert {each.edits for each in found.offers} == {()}
    assert all(words in each.words for each in found.offers)


def test_of_two_policies_nobody_knows_which_one_counts() -> None:
    found = judged(SPF, {"content": '"v=spf1 a -all"', "id": "e" * 32})
    assert [each.edits for each in found.offers] == [(), ()]
    assert "leave the right one" in found.offers[0].words


def test_what_stands_beside_ours_is_told() -> None:
    found = judged(
        {"type": "MX", "content": "aspmx.l.example.net", "priority": 5},
        {"name": "mx1.example.test", "type": "A", "content": "192.0.2.9"},
        {"content": '"site-verification=1"'},
        *({"name": f"h{n}.{ZONE}", "type": "A", "content": "192.0.2.7"} for n in range(1000)),
    )
    assert found.offers == []
    assert len(found.beside) == 3
    assert (
        "also goes to aspmx.l.example.net, preference 5: before mx1"
        in found.beside[0] + (found.beside[1])
    )


def test_a_record_of_the_state_is_no_other() -> None:
    assert judged(SPF, held={f"spf-{ZONE}": OTHER}).offers == []


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('"v=spf1 mx -all"', "v=spf1 mx -all"),
        ('"v=spf1 " "mx -all"', "v=spf1 mx -all"),
        (r'"a\"b\\c"', r'a"b\c'),
        ("v=spf1 mx", "v=spf1 mx"),
    ],
)
def test_text_of_a_record(content: str, text: str) -> None:
    assert unquoted(content) == text
