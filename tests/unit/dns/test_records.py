"""The record table: what stands in it for which settings, in the form that the API returns."""

from __future__ import annotations

from typing import Any

import pytest

from components.dns import data as dns_data
from components.dns.records import Facts, Record, records
from components.settings.dns import CaaSettings
from components.settings.environment import from_mapping
from tests.support.mapping import KEY, mapping

DKIM = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


def table(dns: dict[str, Any], facts: Facts | None = None, **domain: Any) -> dict[str, Record]:
    values = mapping()
    values["dns"] |= dns
    values["domains"]["example.test"] |= domain
    found = records(from_mapping(values), facts)
    assert len({record.key for record in found}) == len(found)
    return {record.key: record for record in found}


def test_without_new_keys_the_table_is_addresses_and_mx() -> None:
    assert set(table({})) == {"a-mx1", "a-mx2", "mx-example.test-mx1", "mx-example.test-mx2"}


def test_policies_of_all_domains_and_hosts() -> None:
    found = table(
        {
            "records": {
                "spf": "v=spf1 mx -all",
                "dmarc": "v=DMARC1; p=reject; rua=mailto:alice@example.test",
                "tlsRpt": "v=TLSRPTv1; rua=mailto:alice@example.test",
            }
        }
    )
    assert found["spf-example.test"].content == '"v=spf1 mx -all"'
    assert found["spf-mx1"].content == '"v=spf1 a -all"'
    assert found["dmarc-example.test"].name == "_dmarc.example.test"
    assert found["tlsrpt-example.test"].name == "_smtp._tls.example.test"
    assert found["tlsrpt-mx2"].name == "_smtp._tls.mx2.example.test"
    assert not [key for key in found if key.startswith("dmarc-report")]


def test_a_domain_says_otherwise_or_nothing() -> None:
    shared = {"records": {"spf": "v=spf1 mx -all", "dmarc": "v=DMARC1; p=reject"}}
    own = {"spf": "none", "dmarc": "v=DMARC1; p=none", "dkim": {"s1": DKIM}}
    found = table(shared, records=own)
    assert "spf-example.test" not in found
    assert found["dmarc-example.test"].content == '"v=DMARC1; p=none"'
    assert found["dkim-example.test-s1"].name == "s1._domainkey.example.test"


def test_each_host_has_its_own_dkim_key_at_its_selector() -> None:
    settings = from_mapping(mapping())
    facts = Facts(dkim={"mx1": {"example.test": '"v=DKIM1; p=a"'}})
    found = {record.key: record for record in records(settings, facts)}
    record = found["dkim-example.test-mx1"]
    assert (record.name, record.type) == ("mx1._domainkey.example.test", "TXT")
    assert record.content == '"v=DKIM1; p=a"'
    assert "dkim-example.test-mx2" not in found


def test_reports_that_go_to_another_domain_of_ours_get_leave() -> None:
    zones = {"example.test": "0" * 32, "other.test": "1" * 32}
    reports = {"dmarc": "v=DMARC1; p=none; rua=mailto:a@other.test, mailto:b@foreign.test"}
    found = table({"zones": zones, "records": reports})
    leave = found["dmarc-report-example.test-other.test"]
    assert (leave.zone, leave.name) == ("other.test", "example.test._report._dmarc.other.test")
    assert "dmarc-report-example.test-foreign.test" not in found


def test_parked_domain_rejects_all() -> None:
    zones = {"example.test": "0" * 32, "parked.test": "1" * 32}
    found = table({"zones": zones, "parkedDomains": ["parked.test"]})
    null = found["mx-parked.test"]
    assert (null.content, null.priority, null.hosts) == (".", 0, ())
    assert found["spf-parked.test"].content == '"v=spf1 -all"'
    assert "p=reject" in str(found["dmarc-parked.test"].content)
    assert found["dkim-parked.test"].name == "*._domainkey.parked.test"


def test_caa_stands_at_the_hosts_and_not_at_the_zone() -> None:
    found = table({"caa": {"issue": ["ca.test"]}}, Facts(sts_ids={"example.test": "1"}))
    names = {record.name for record in found.values() if record.type == "CAA"}
    assert names == {"mx1.example.test", "mx2.example.test", "mta-sts.example.test"}


@pytest.mark.parametrize(("signed", "expected"), [([], 0), (["example.test"], 4)])
def test_tlsa_only_in_signed_zones(signed: list[str], expected: int) -> None:
    slots = {"ecdsa-a": "A" * 64, "rsa-a": "B" * 64}
    facts = Facts(tlsa={"mx1": slots, "mx2": slots})
    found = table({"signedZones": signed}, facts)
    tlsa = [record for record in found.values() if record.type == "TLSA"]
    assert len(tlsa) == expected
    for record in tlsa:
        assert record.promise == "tls"
        assert record.data is not None
        assert (record.data["usage"], record.data["selector"]) == (3, 1)


def test_mta_sts_of_own_and_as_cname() -> None:
    values = mapping()
    values["domains"]["sub.example.test"] = {
        "mailboxHost": "mailbox1",
        "recipients": [],
        "records": {"mtaStsCname": "example.test"},
    }
    facts = Facts(sts_ids={"example.test": "abc", "sub.example.test": "abc"})
    found = {record.key: record for record in records(from_mapping(values), facts)}
    assert found["sts-example.test"].content == '"v=STSv1; id=abc"'
    assert found["sts-example.test"].hosts == ("mx1", "mx2")
    assert found["sts-a-example.test-mx1"].name == "mta-sts.example.test"
    assert found["sts-sub.example.test"].type == "CNAME"
    assert found["sts-sub.example.test"].content == "_mta-sts.example.test"
    assert found["sts-host-sub.example.test"].content == "mta-sts.example.test"
    assert not [key for key in found if key.startswith("caa-sts-sub")]


def test_txt_is_quoted_and_cut_at_255_bytes() -> None:
    assert dns_data.txt("") == '""'
    assert dns_data.txt('a"b\\c') == '"a\\"b\\\\c"'
    assert dns_data.txt("x" * 256) == f'"{"x" * 255}" "x"'


def test_sshfp_is_what_ssh_keygen_prints() -> None:
    # ssh-keygen -r host -f key.pub; the digest in upper case as the API returns it.
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ1z5zvW0mCkqxqQ5xqJmL5m0p5m0p5m0p5m0p5m0p5"
    assert key == KEY
    found = table({"sshfp": True}, Facts(host_keys={"mx1": key}))
    data = found["sshfp-mx1"].data
    assert data is not None
    assert (data["algorithm"], data["type"]) == (4, 2)
    assert data["fingerprint"] == SSHFP
    assert "sshfp-mx2" not in found


SSHFP = "5F1A652A75D32B28227B6E5376DB94BB0815356D150F53A82C81A7CFA2869B74"


def test_caa_limits_account_and_method() -> None:
    settings = CaaSettings.model_validate(
        {
            "issue": ["ca.test"],
            "accountUri": "https://ca.test/a/1",
            "validationMethods": ["dns-01", "http-01"],
            "iodef": "sec@example.test",
        }
    )
    assert {key: (data["tag"], data["value"]) for key, data in dns_data.caa(settings).items()} == {
        "issue-ca.test": (
            "issue",
            "ca.test; accounturi=https://ca.test/a/1; validationmethods=dns-01,http-01",
        ),
        "issuewild": ("issuewild", ";"),
        "iodef": ("iodef", "mailto:sec@example.test"),
    }


def test_caa_never_names_an_account_by_itself() -> None:
    """The account of a host that is new, or set up anew, is not known before it asks (RFC 8657)."""
    rows = table({"caa": {"issue": ["ca.test"]}}, Facts())
    values = [str(row.data["value"]) for row in rows.values() if row.type == "CAA" and row.data]
    assert values.count("ca.test") == 2  # one at each host's name
    assert not any("accounturi" in value for value in values)
