"""Records of others in a live zone: what is refused, with which line, and what is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from components.dns.data import txt
from components.dns.foreign import judge
from components.dns.records import Record

ZONE, OTHER = "example.test", "f" * 32
MX = Record("mx-example.test-mx1", ZONE, ZONE, "MX", "mx1.example.test", priority=10)
SPF = Record("spf-example.test", ZONE, ZONE, "TXT", txt("v=spf1 mx -all"))
DMARC = Record("dmarc-example.test", ZONE, "_dmarc.example.test", "TXT", txt("v=DMARC1; p=reject"))
STS = Record("sts-example.test", ZONE, "_mta-sts.example.test", "TXT", txt("v=STSv1; id=1"))
STS_A = Record("sts-a-example.test-mx1", ZONE, "mta-sts.example.test", "A", "192.0.2.1")
STS_CNAME = Record("sts-host-example.test", ZONE, "mta-sts.example.test", "CNAME", "mta-sts.b.test")
TLSRPT = Record("tlsrpt-example.test", ZONE, "_smtp._tls.example.test", "TXT", txt("v=TLSRPTv1;"))
DKIM = Record("dkim-example.test-mx1", ZONE, "mx1._domainkey.example.test", "TXT")
ADDRESS = Record("a-mx1", ZONE, "mx1.example.test", "A", "192.0.2.1")
TLSA = Record("tlsa-mx1-ecdsa-a", ZONE, "_25._tcp.mx1.example.test", "TLSA", data={})
ADOPT = f"`{{}}: {OTHER}` under dns.adopt"


KNOWN = ("the state", "dns.adopt")


def there(name: str, kind: str, content: str, **more: Any) -> dict[str, Any]:
    return {"id": OTHER, "name": name, "type": kind, "content": content} | more


REFUSED: dict[str, tuple[Record, dict[str, Any], str]] = {
    "another SPF": (
        SPF, there(ZONE, "TXT", '"v=spf1 include:_spf.example.net ~all"'), ADOPT.format(SPF.key),
    ),
    "another SPF in capitals, in two strings, without quotes": (
        SPF, there("Example.Test", "TXT", 'V=SPF1 " "mx ?all'), "second SPF",
    ),
    "another DMARC": (
        DMARC, there(DMARC.name, "TXT", '"v=DMARC1; p=none"'), ADOPT.format(DMARC.key),
    ),
    "another id of MTA-STS": (STS, there(STS.name, "TXT", '"v=STSv1; id=old"'), "second MTA-STS"),
    "another TLSRPT": (
        TLSRPT, there(TLSRPT.name, "TXT", '"v=TLSRPTv1; rua=mailto:x@y.test"'), "second TLSRPT",
    ),
    "another key under the selector": (DKIM, there(DKIM.name, "TXT", '"p=AAAA"'), "second DKIM"),
    "a CNAME where an address is to be": (
        STS_A, there(STS_A.name, "CNAME", "policy.host.test"), "remove that record",
    ),
    "an address where a CNAME is to be": (
        STS_CNAME, there(STS_CNAME.name, "AAAA", "2001:db8::1"), "CNAME must be the only",
    ),
    "another CNAME": (
        STS_CNAME, there(STS_CNAME.name, "CNAME", "policy.host.test"), "CNAME must be the only",
    ),
}  # fmt: skip
TOLD: dict[str, tuple[Record, dict[str, Any], str]] = {
    "the same CNAME": (
        STS_CNAME, there(STS_CNAME.name, "CNAME", "MTA-STS.b.test"), ADOPT.format(STS_CNAME.key),
    ),
    "the same MX": (
        MX, there(ZONE, "MX", "mx1.example.test", priority=10.0), ADOPT.format(MX.key),
    ),
    "the same record": (ADDRESS, there(ADDRESS.name, "A", "192.0.2.1"), ADOPT.format("a-mx1")),
    "an MX before ours": (
        MX, there(ZONE, "MX", "aspmx.l.example.net", priority=5),
        "Mail for example.test also goes to aspmx.l.example.net, preference 5: before "
        "mx1.example.test (10).",
    ),
    "an MX after ours": (
        MX, there(ZONE, "MX", "b.test", priority=20), "20: after mx1.example.test (10).",
    ),
    "an MX of the same preference": (MX, there(ZONE, "MX", "b.test", priority=10), "as often as"),
    "another address of an MX host": (ADDRESS, there(ADDRESS.name, "A", "192.0.2.9"), "192.0.2.9"),
    "TLSA of another key": (TLSA, there(TLSA.name, "TLSA", "3 1 1 AB"), "DANE"),
}  # fmt: skip


@pytest.mark.parametrize("state", REFUSED)
def test_refused_with_what_is_there(state: str) -> None:
    wanted, other, words = REFUSED[state]
    found = judge([wanted], {ZONE: [other]}, {}, {})
    assert len(found.refused) == 1
    assert words in found.refused[0]
    assert OTHER in found.refused[0]
    assert found.told == []


@pytest.mark.parametrize("state", TOLD)
def test_told_and_not_refused(state: str) -> None:
    wanted, other, words = TOLD[state]
    found = judge([wanted], {ZONE: [other]}, {}, {})
    assert found.refused == []
    assert words in found.told[0]


def test_a_record_that_equals_ours_for_one_host_is_not_foreign_beside_the_other() -> None:
    second = Record("mx-example.test-mx2", ZONE, ZONE, "MX", "mx2.example.test", priority=20)
    other = there(ZONE, "MX", "mx2.example.test", priority=20)
    found = judge([MX, second], {ZONE: [other]}, {}, {})
    assert len(found.told) == 1
    assert "This stack has the same one, and Cloudflare refuses a second one" in found.told[0]


def test_a_policy_of_mta_sts_of_others_must_name_our_hosts_before_our_mx_comes() -> None:
    other = there("_mta-sts.example.test", "TXT", '"v=STSv1; id=old"')
    found = judge([MX], {ZONE: [other]}, {}, {})
    assert found.refused == []
    assert "deliver to mx1.example.test only if the policy names it" in found.told[0]
    # With a policy of ours the other id is in the way, and that is told instead.
    assert "second MTA-STS" in judge([MX, STS], {ZONE: [other]}, {}, {}).refused[0]


def test_a_caa_property_that_is_there_already_is_the_same_record() -> None:
    mine = {"flags": 0, "tag": "issue", "value": "ca.test"}
    wanted = Record("caa-mx1-issue-ca.test", ZONE, "mx1.example.test", "CAA", data=mine)
    other = there("mx1.example.test", "CAA", '0 issue "ca.test"', data=mine)
    assert "has the same one" in judge([wanted], {ZONE: [other]}, {}, {}).told[0]
    other["data"] = {**mine, "value": "other.test"}
    assert judge([wanted], {ZONE: [other]}, {}, {}).told == []


def test_a_line_of_adopt_without_a_record_is_told() -> None:
    found = judge([SPF], {ZONE: []}, {}, {"spf-exmaple.test": OTHER})
    assert found.told == [
        "dns.adopt.spf-exmaple.test: this stack has no record of this name, so nothing can be "
        "taken over; remove this line"
    ]


@pytest.mark.parametrize(
    ("held", "adopted"), [({SPF.key: OTHER}, {}), ({}, {SPF.key: OTHER})], ids=["ours", "adopted"]
)
def test_a_record_of_ours_is_no_other(held: Mapping[str, str], adopted: Mapping[str, str]) -> None:
    found = judge([SPF], {ZONE: [there(ZONE, "TXT", '"v=spf1 a -all"')]}, held, adopted)
    assert found.refused == found.told == []


def test_a_second_spf_that_came_later_does_not_stop_a_repair() -> None:
    ours = there(ZONE, "TXT", str(SPF.content), id="a" * 32)
    listed = {ZONE: [ours, there(ZONE, "TXT", '"v=spf1 a -all"')]}
    found = judge([SPF], listed, {SPF.key: "a" * 32}, {})
    assert found.refused == []
    assert "receivers ignore both" in found.told[0]


def test_a_name_that_has_two_spf_records_of_others_is_told_once_without_an_id() -> None:
    others = [there(ZONE, "TXT", f'"v=spf1 {term} ~all"', id=term) for term in ("a", "mx")]
    found = judge([SPF], {ZONE: others}, {}, {})
    assert found.refused == [
        "dns.adopt: example.test has 2 SPF records that are not this stack's, and receivers ignore "
        "all of them today. Leave the one that is right, then run `mx adopt`"
    ]
    # One of the two may be equal to ours.
    others[0]["content"] = str(SPF.content)
    assert judge([SPF], {ZONE: others}, {}, {}).refused == found.refused


def test_what_the_stack_makes_itself_is_not_offered_to_mx_adopt() -> None:
    for record, text in ((STS, '"v=STSv1; id=old"'), (DKIM, '"p=AAAA"')):
        [line] = judge([record], {ZONE: [there(record.name, "TXT", text)]}, {}, {}).refused
        assert "takes the record over unchanged" not in line
        assert f"(ID {OTHER})" in line


def test_a_thousand_records_that_are_in_nobodys_way() -> None:
    others = [there(f"host{number}.{ZONE}", "A", "192.0.2.7") for number in range(1000)]
    others += [there(ZONE, "TXT", '"site-verification=x"'), there(ZONE, "A", "192.0.2.8")]
    others += [there(ZONE, "CAA", '0 issue "ca.test"'), there(f"k2._domainkey.{ZONE}", "TXT", "p=")]
    found = judge([MX, SPF, DMARC, STS, STS_A, DKIM, ADDRESS, TLSA], {ZONE: others}, {}, {})
    assert found.refused == found.told == []


@pytest.mark.parametrize("where", ["the state", "dns.adopt"])
def test_a_policy_that_somebody_made_anew_gets_no_second_one_beside_it(where: str) -> None:
    """The ID in the state, or under dns.adopt, is that of a record that is gone."""
    held, adopted = ({SPF.key: "d" * 32} if each == where else {} for each in KNOWN)
    other = there(ZONE, "TXT", '"v=spf1 include:_spf.example.net ~all"')
    found = judge([SPF], {ZONE: [other]}, held, adopted)
    assert found.told == []
    assert ADOPT.format(SPF.key) in found.refused[0]
    equal = there(ZONE, "TXT", str(SPF.content))
    assert "`mx up` fails there" in judge([SPF], {ZONE: [equal]}, held, adopted).told[0]
