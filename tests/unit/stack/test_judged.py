"""The planned Postfix is judged as a whole before anything is changed."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.settings.environment import Settings, from_mapping
from components.settings.stack_file import settings_of
from components.stack import judged
from components.stack.judged import lines
from tests.support.mapping import mapping
from tests.support.stacks import STACKS


def planned(**extra: str) -> Settings:
    values: dict[str, Any] = mapping() | {"certificates": {"acceptTerms": True}}
    values["postfix"] = {"extra": extra}
    return from_mapping(values)


# What passes one by one, and stops or opens mail in the whole: YAML path and a part of the reason.
REFUSED = {
    "class_without_a_definition": (
        {"smtpd_restriction_classes": "grey"},
        "postfix.extra.smtpd_restriction_classes: the class grey has no definition",
    ),
    "mail_to_itself": ({"relayhost": "$myhostname"}, "postfix.extra.relayhost: is myhostname"),
    "action_that_is_none": (
        {"smtpd_client_restrictions": "check_client_access static:REJET"},
        "postfix.extra.smtpd_client_restrictions: 'REJET'",
    ),
    "tls_before_the_greeting": (
        {"smtpd_tls_wrappermode": "yes"},
        "postfix.extra.smtpd_tls_wrappermode: port 25",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_stops_mail_in_the_whole_is_refused_with_its_path(case: str) -> None:
    extra, words = REFUSED[case]
    refused, _ = lines(planned(**extra))
    assert any(line.startswith(words) for line in refused), refused


# What a reasonable operator may want.
TOLD = {
    "block_list_of_every_answer": (
        {"smtpd_client_restrictions": "reject_rbl_client zen.spamhaus.org"},
        "postfix.extra.smtpd_client_restrictions: zen.spamhaus.org: any answer counts",
    ),
    "tls_demanded_of_senders": (
        {"smtpd_tls_security_level": "encrypt"},
        "postfix.extra.smtpd_tls_security_level: senders without TLS",
    ),
    "limit_for_large_senders": (
        {"smtpd_client_connection_rate_limit": "2"},
        "postfix.extra.smtpd_client_connection_rate_limit: ",
    ),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_only_may_harm_is_told_once_for_all_hosts(case: str) -> None:
    extra, words = TOLD[case]
    refused, told = lines(planned(**extra))
    assert refused == []
    assert [line.startswith(words) for line in told] == [True]


def test_chunking_may_be_offered_where_all_hosts_have_the_fixes() -> None:
    """As docs/operating.md has it."""
    assert lines(planned(smtpd_discard_ehlo_keywords="dsn, etrn, silent-discard")) == ([], [])


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("release", [12, 13])
def test_no_finding_on_any_example_stack_on_either_release(stack: str, release: int) -> None:
    ours = settings_of(stack)
    hosts = {key: host.model_copy(update={"debian": release}) for key, host in ours.hosts.items()}
    ours = ours.model_copy(update={"hosts": hosts})
    for key in ours.hosts:
        assert judged.findings(ours, key, judged.rendered(ours, key)) == []


def test_refusal_ends_the_program_before_any_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi, "get_stack", lambda: "lab")
    monkeypatch.setattr(pulumi.log, "warn", told.append)
    with pytest.raises(pulumi.RunError, match=r"stacks/Pulumi\.lab\.yaml: mx:mail\.postfix\.extra"):
        judged.refuse_dangerous(
            planned(relayhost="$myhostname", smtpd_tls_security_level="encrypt")
        )
    assert [line.startswith("audit: mx:mail.postfix.extra.smtpd_tls") for line in told] == [True]
