"""The parameter table: names by version, obsolete ones, suggestions."""

from __future__ import annotations

import pytest

from components.postconf import FACTS, fault, known, suggestion
from components.postconf.facts import at_least
from components.services.postfix.parameters import Parameter, section


@pytest.mark.parametrize(
    ("name", "version", "words"),
    [
        ("smtpd_tls_chain_files", "3.7", None),
        ("smtp_client_restrictions", "3.7", "did you mean 'smtpd_client_restrictions'?"),
        ("smtp_sender_restrictions", "3.10", "did you mean 'smtpd_sender_restrictions'?"),
        ("mesage_size_limit", "3.10", "did you mean 'message_size_limit'?"),
        ("no_such_thing", "3.10", "no such parameter"),
        ("smtp_tlsrpt_enable", "3.7", "it came with 3.10"),
        ("smtp_tlsrpt_enable", "3.10", None),
        ("tls_ffdhe_auto_groups", "3.7", "it came with 3.8"),
        ("smtpd_forbid_bare_newline", "3.7", None),
        ("smtpd_use_tls", "3.7", None),
        ("smtpd_use_tls", "3.10", "obsolete since Postfix 3.9; write smtpd_tls_security_level"),
        ("smtpd_tls_dh1024_param_file", "3.10", "leave it unset"),
        ("postscreen_blacklist_action", "3.7", "write postscreen_denylist_action"),
        ("requiretls_enable", "3.10", "it came with 3.11"),
        ("mymailbox_destination_recipient_limit", "3.10", None),
    ],
)
def test_fault(name: str, version: str, words: str | None) -> None:
    found = fault(name, version)
    assert found is None if words is None else words in str(found)


def test_versions_are_compared_as_numbers() -> None:
    assert at_least("3.10", "3.9")
    assert not at_least("3.7", "3.10")
    assert at_least("3.7.11", "3.7")


def test_what_replaces_a_renamed_parameter_exists() -> None:
    for name, fact in FACTS.items():
        if fact.instead.startswith("write ") and " = " not in fact.instead:
            assert known(fact.instead.removeprefix("write "), "3.10"), name


def test_facts_agree_with_the_lists() -> None:
    for name, fact in FACTS.items():
        if fact.since is None:
            continue
        for version in ("3.7", "3.10"):
            expected = at_least(version, fact.since) or any(
                level.startswith(f"{version}.") for level in fact.backported.split(", ")
            )
            if fact.since.startswith(f"{version}."):
                expected = True  # a later patch level of this version
            assert known(name, version) == expected, (name, version)


def test_client_and_server_names_are_suggested_for_each_other() -> None:
    assert suggestion("smtp_recipient_limit", "3.10") == "smtpd_recipient_limit"
    assert suggestion("xyz", "3.10") is None


def test_rendering_refuses_what_the_version_does_not_know() -> None:
    parameter = Parameter("smtp_tlsrpt_enable", "yes", "x")
    assert "smtp_tlsrpt_enable = yes" in section("S", [parameter], "3.10")
    with pytest.raises(ValueError, match=r"smtp_tlsrpt_enable: Postfix 3\.7 does not have it"):
        section("S", [parameter], "3.7")
