"""What looks like a fault in main.cf and is none."""

from __future__ import annotations

import pytest

from components.audit import audit

SMALL = "compatibility_level = 3.6\nsmtpd_forbid_bare_newline = normalize\n"
GUARD = "reject_unauth_destination"

RIGHT = {
    "table_of_clients_before_the_guard": (
        f"smtpd_relay_restrictions = check_client_access cidr:/etc/postfix/friends, {GUARD}"
    ),
    "table_that_only_refuses": (
        f"smtpd_relay_restrictions = check_sender_access inline:{{a=REJECT}}, {GUARD}"
    ),
    "own_domains_as_relay_domains": (
        "mydestination = example.net\nrelay_domains = $mydestination, example.org\n"
        "relay_recipient_maps = lmdb:/x"
    ),
    "second_list_guards": (
        "smtpd_recipient_restrictions = check_sender_access lmdb:/x, permit\n"
        f"smtpd_relay_restrictions = {GUARD}"
    ),
    "null_client": "mydestination =\ninet_interfaces = loopback-only\nrelayhost = mx.example.net",
    "top_level_domain_of_ones_own": "relay_domains = lan\nrelay_recipient_maps = lmdb:/x",
    "helo_list_of_permits": "smtpd_helo_restrictions = permit_mynetworks",
    "filter_action_without_a_filter": "milter_default_action = accept",
    "local_part_of_a_pattern": "header_checks = pcre:{ {/^Subject: # 1 offer/ IGNORE} }",
    "names_of_the_moment": 'mailbox_command = procmail -a "$EXTENSION"',
    "settings_of_an_ldap_table": "virtual_alias_maps = ldap:users\nusers_server_host = ldap",
    "asks_whether_a_name_is_set": "relayhost = ${smarthost?{[$smarthost]}:{}}",
    "smarthost_with_tls": "relayhost = [mx.example.net]\nsmtp_tls_security_level = secure",
    "passwords_never_in_plain": (
        "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_security_options = noanonymous, noplaintext"
    ),
    "level_by_numbers": "smtpd_tls_protocols = >=0303",
    "long_comment_in_a_value": "mynetworks =\n# one\n  127.0.0.0/8\n  # two\n\n  [::1]/128",
    "carriage_returns": "biff = no\r\nmynetworks = 127.0.0.0/8\r",
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_right_is_no_finding(case: str) -> None:
    assert audit(SMALL + RIGHT[case] + "\n") == []


def test_guard_by_defer_if_permit_is_no_open_relay() -> None:
    found = audit(SMALL + "smtpd_relay_restrictions = permit_mynetworks, defer_if_permit\n")
    assert [one for one in found if "open relay" in one.reason] == []


def test_relay_domains_everything_that_matches_nothing() -> None:
    found = audit(SMALL + "relay_domains = *\n")
    assert [(one.kind, one.line) for one in found] == [("contradictory", 3)]
