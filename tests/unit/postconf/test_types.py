"""What a parameter can hold, by the tables of Postfix's own sources."""

from __future__ import annotations

import pytest

from components.postconf.expand import ExpansionError, expand
from components.postconf.parameters import ALL_VERSIONS, parameter, parameters, since
from components.postconf.restrictions import RESTRICTIONS
from components.postconf.types import fault

WRONG = {
    "boolean_that_is_a_word_of_yaml": ("smtpd_helo_required", "true", "neither yes nor no"),
    "size_with_a_unit": ("message_size_limit", "50M", "not a whole number"),
    "time_with_a_blank": ("minimal_backoff_time", "5 minutes", "not a time"),
    "time_above_the_range": ("in_flow_delay", "11s", "above the highest value, 10s"),
    "time_that_overflows": ("queue_run_delay", "9999999999d", "not a time"),
    "number_below_the_range": ("line_length_limit", "511", "below the lowest value, 512"),
    "number_of_a_transport": ("amavis_destination_recipient_limit", "ten", "not a whole number"),
    "level_of_tls": ("smtp_tls_security_level", "opportunistic", "is none of none, may"),
    "protocol_without_tls": ("smtpd_tls_protocols", ">=1.2", "names no TLS protocol"),
    "words_of_a_mask": ("inet_protocols", "ipv4, ipv5", "'ipv5' is none of all"),
    "restriction_misspelled": (
        "smtpd_client_restrictions",
        "permit_mynetworks, reject_unauth_pipelinig",
        "reject_unauth_pipelining is meant",
    ),
    "restriction_without_its_table": (
        "smtpd_client_restrictions",
        "check_client_access /etc/postfix/x",
        "needs type:name after it",
    ),
    "restriction_by_backslash": ("smtpd_client_restrictions", "\\", "a backslash"),
    "restriction_after_a_no_break_space": (
        "smtpd_client_restrictions",
        "\xc2\xa0reject",
        "U+00A0",
    ),
    "table_without_a_type": ("virtual_alias_maps", "/etc/postfix/virtual", "is not a table"),
    "network_without_brackets": ("mynetworks", "::1/128", "[::1]/128"),
    "network_with_host_bits": ("mynetworks", "10.1.2.3/8", "host bits set"),
    "filter_that_is_no_socket": ("smtpd_milters", "hash:/nowhere/x", "not the socket of a filter"),
    "brace_that_is_not_closed": (
        "smtpd_client_restrictions",
        "check_client_access cidr:{ {192.0.2.0/24 REJECT }",
        "too many",
    ),
    "inline_table_without_values": ("virtual_alias_maps", "inline:{a}", "is not an inline table"),
    "protocol_of_a_proxy": ("smtpd_upstream_proxy_protocol", "v2", "is none of haproxy"),
    "empty_where_none_can_be": ("smtpd_banner", "", "an empty value"),
}


@pytest.mark.parametrize("case", WRONG)
def test_value_that_stops_postfix(case: str) -> None:
    name, value, words = WRONG[case]
    for version in ("3.7", "3.10"):
        assert words in str(fault(name, value, version))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("smtpd_helo_required", "YES"),
        ("queue_run_delay", "5minutes"),  # conv_time() looks at one character after the digits
        ("queue_run_delay", "300"),
        ("tcp_windowsize", "-1"),  # a lowest value of 0 is not looked at
        ("message_size_limit", "0"),
        ("message_size_limit", "9000000000"),
        ("smtpd_tls_security_level", ""),
        ("smtpd_tls_protocols", "!SSLv2:!sslv3, >=tlsv1"),
        ("smtpd_tls_protocols", ">=0303"),
        ("mynetworks", "127.0.0.0/8 [::1]/128 !10.0.0.1 cidr:/etc/postfix/networks"),
        ("smtpd_client_restrictions", "sleep 1, CHECK_client_access cidr:/x, greylist"),
        ("smtpd_recipient_restrictions", "lmdb:/etc/postfix/access, reject_unauth_destination"),
        ("smtpd_milters", "inet:127.0.0.1:11332"),
        ("relay_domains", "example.net, static:all"),
        ("header_checks", "pcre:{ {/^Subject: # 1 offer/ IGNORE} }"),
        ("smtpd_banner", "$myhostname ESMTP"),
        ("no_such_parameter", "anything"),
    ],
)
def test_value_that_postfix_takes(name: str, value: str) -> None:
    assert fault(name, value, "3.10", classes={"greylist"}) is None


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_every_default_is_right_by_its_own_type(version: str) -> None:
    known = parameters(version)
    assert len(known) > 700
    for one in known.values():
        if one.default == "(the host)" or one.kind == "raw" or one.name == "virtual_mailbox_base":
            continue
        value = expand(one.default, lambda name: known[name].default if name in known else None)
        assert "(the host)" in value or fault(one.name, value, version) is None, (one, value)


def test_tables_by_version() -> None:
    assert since("requiretls_enable") == "3.11"
    assert since("smtp_tlsrpt_enable") == "3.10"
    assert since("mydestination") == "3.4"
    assert since("no_such_parameter") is None
    delay = parameter("amavis_destination_rate_delay", "3.7")
    assert delay is not None
    assert delay.kind == "time"
    required = parameter("smtpd_helo_required", "3.10")
    assert required is not None
    assert (required.kind, required.programs) == ("bool", ("postscreen", "smtpd"))
    assert RESTRICTIONS["check_policy_service"].argument == "policy"


VALUES = {"b": "x", "a": "$b$b", "compatibility_level": "3.6", "empty": "", "me": "$me and $me"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$a-$(b)-${b}$$b", "xx-x-x$b"),
        ("${a?yes}${none?no}${none:else}${empty?no}", "yeselse"),
        ("${a?{ y }:{ n }}", " y "),
        ("${{$compatibility_level} <level {3.10} ? {old} : {new}}", "old"),
        ("${{$compatibility_level} >= {3.10} ? {text} : {text is no level}}", "text"),
        ("${{$b} == {x}?{$a}:{}}", "xx"),
        ("$none", ""),
        ("${domain_to_ascii{$b}}", "x"),
    ],
)
def test_expansion_as_postfix_does_it(text: str, expected: str) -> None:
    assert expand(text, VALUES.get) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("$me", "never ends|nesting"),
        ("${a", "not closed"),
        ("$", "empty macro name"),
        ("${a b}", "syntax error"),
        ("${{a} = {b}?{c}:{d}}", "comparison"),
        ("${{a} <level {b}?{c}:{d}}", "no compatibility level"),
    ],
)
def test_expansion_at_which_postfix_stops(text: str, words: str) -> None:
    with pytest.raises(ExpansionError, match=words):
        expand(text, VALUES.get)


def test_values_that_double_with_each_name_end() -> None:
    doubling = {f"v{number}": f"$v{number + 1}$v{number + 1}" for number in range(60)}
    with pytest.raises(ExpansionError, match="never ends"):
        expand("$v0", doubling.get)
