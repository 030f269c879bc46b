"""Rendered text: properties that no golden file shows by itself."""

from __future__ import annotations

import pytest

from components.dns import records as dns_records
from components.postconf import VERSIONS
from components.services.database import rows as sql_content
from components.services.postfix import main_cf as postfix_main
from components.services.postfix import sql_maps
from components.settings.environment import from_mapping
from tests.support.mapping import mapping


def test_one_changed_setting_is_one_changed_line() -> None:
    before = postfix_main.sections(from_mapping(mapping()), "mx1")
    values = mapping() | {"postfix": {"messageSizeLimitBytes": 10485760}}
    after = postfix_main.sections(from_mapping(values), "mx1")
    changed = [name for name in before if before[name] != after[name]]
    assert changed == ["10-general.cf"]
    lines = zip(
        before["10-general.cf"].split("\n"), after["10-general.cf"].split("\n"), strict=True
    )
    assert [pair for pair in lines if pair[0] != pair[1]] == [
        ("message_size_limit = 26214400", "message_size_limit = 10485760")
    ]


@pytest.mark.parametrize(("debian", "level"), [(12, "3.6"), (13, "3.10")])
def test_compatibility_level_follows_the_release(debian: int, level: str) -> None:
    values = mapping()
    values["hosts"]["mx1"]["debian"] = debian
    text = postfix_main.sections(from_mapping(values), "mx1")["10-general.cf"]
    assert f"\ncompatibility_level = {level}\n" in text


def test_every_parameter_has_a_reason_above_it() -> None:
    for text in postfix_main.sections(from_mapping(mapping()), "mx1").values():
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if " =" in line and not line.startswith("#"):
                assert lines[number - 1].startswith("# "), line


def test_parameters_of_the_seed_that_never_existed_are_not_rendered() -> None:
    text = "".join(postfix_main.sections(from_mapping(mapping()), "mx1").values())
    for name in ("smtp_client_restrictions", "smtp_sender_restrictions"):
        assert name not in text


def test_a_domain_of_one_host_is_unknown_on_the_other() -> None:
    values = mapping()
    values["domains"]["example.test"]["mx"] = ["mx1"]
    settings = from_mapping(values)
    assert sql_content.tables(settings, "mx1")["mail_domain"] == "example.test\n"
    assert not any(sql_content.tables(settings, "mx2").values())
    names = [record.key for record in dns_records.records(settings)]
    assert names == ["a-mx1", "a-mx2", "mx-example.test-mx1"]


def test_lmtp_nexthop_is_spelled_as_transport_5_has_it() -> None:
    values = mapping()
    values["mailboxHosts"]["mailbox1"] |= {"protocol": "lmtp", "port": 24}
    text = sql_content.tables(from_mapping(values), "mx1")["transport"]
    assert text == "example.test\tlmtp:inet:[mailbox1.example.test]:24\n"


def test_an_alias_is_a_row_for_each_address_and_a_policy_one_for_each_next_hop() -> None:
    values = mapping() | {"postfix": {"tlsPolicies": {"[mailbox1.example.test]:25": "encrypt"}}}
    values["domains"]["example.test"]["aliases"] = {"info": ["b@partner.test", "a@partner.test"]}
    rows = sql_content.tables(from_mapping(values), "mx1")
    assert rows["alias"] == (
        "example.test\tinfo\ta@partner.test\nexample.test\tinfo\tb@partner.test\n"
    )
    assert rows["tls_policy"] == "[mailbox1.example.test]:25\tencrypt\n"


def test_maps_have_no_password_and_only_quoted_keys() -> None:
    for version in VERSIONS.values():
        for text in sql_maps.maps(version).values():
            assert "\npassword =\n" in text
            assert text.count("'%") == text.count("%") > 0
            # postconf(1) of 3.7 complains of parameters that it does not know, here too.
            assert ("retry_interval" in text) == (version == "3.10")


def test_notices_go_where_a_postmaster_is_and_nowhere_without_one() -> None:
    values = mapping()
    domain = next(iter(values["domains"]))
    values["domains"][domain] |= {"recipients": ["alice"], "aliases": {}}
    file = "30-domains-and-aliases.cf"
    assert "inline:" not in postfix_main.sections(from_mapping(values), "mx1")[file]
    values["domains"][domain]["aliases"] = {"postmaster": [f"alice@{domain}"]}
    assert f" = postmaster@{domain} }}" in postfix_main.sections(from_mapping(values), "mx1")[file]
    values["postfix"] = {"noticeRecipient": "ops@elsewhere.test"}
    assert " = ops@elsewhere.test }" in postfix_main.sections(from_mapping(values), "mx1")[file]
