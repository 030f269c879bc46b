"""Siblings of the kinds of faults: what is found in each, and what looks alike and is right.

Where a reason says what Postfix does, a real one did: 3.10 in a namespace of its own, as
tests/long/audit/real.py tries files.
"""

from __future__ import annotations

import pytest

from components.audit import audit

SMALL = "compatibility_level = 3.6\nsmtpd_forbid_bare_newline = normalize\n"
GUARD = "reject_unauth_destination"
OWN = "myhostname = mx.example.net\nmydestination = $myhostname, example.net\n"

# Lines; then parameter, severity and a part of the reason of one finding.
FOUND = {
    "networks_of_strangers_after_those_of_friends": (
        f"smtpd_relay_restrictions = check_client_access cidr:{{ {{10.0.0.0/8 OK}},"
        f" {{0.0.0.0/0 OK}} }}, {GUARD}",
        ("smtpd_relay_restrictions", "critical", "open relay"),
    ),
    "half_of_the_world_may_relay": (
        f"smtpd_relay_restrictions = check_client_access cidr:{{ {{128.0.0.0/1 OK}} }}, {GUARD}",
        ("smtpd_relay_restrictions", "critical", "open relay"),
    ),
    "everybody_but_one_by_a_negated_pattern": (
        f"smtpd_relay_restrictions = check_client_access pcre:{{ {{!/^10\\./ OK}} }}, {GUARD}",
        ("smtpd_relay_restrictions", "critical", "open relay"),
    ),
    "result_that_means_nothing_in_a_cidr_table_of_networks": (
        "mynetworks = cidr:{ {127.0.0.0/8 permit} {0.0.0.0/0 reject} }",
        ("mynetworks", "critical", "open relay"),
    ),
    "every_domain_by_a_longer_pattern": (
        "relay_domains = regexp:{ {/.+\\.[a-z]+/ x} }",
        ("relay_domains", "critical", "matches every domain"),
    ),
    "domains_of_a_whole_country": (
        "relay_domains = co.uk",
        ("relay_domains", "critical", "ends in .co.uk"),
    ),
    "xclient_for_everybody": (
        "smtpd_authorized_xclient_hosts = 0.0.0.0/0",
        ("smtpd_authorized_xclient_hosts", "critical", "open relay"),
    ),
    "certificate_of_any_public_authority": (
        "smtpd_tls_CAfile = /etc/ssl/certs/ca-certificates.crt\n"
        f"smtpd_relay_restrictions = permit_tls_all_clientcerts, {GUARD}",
        ("smtpd_relay_restrictions", "critical", "public authority"),
    ),
    "login_as_nobody": (
        "smtpd_sasl_auth_enable = yes\nsmtpd_tls_auth_only = yes\nsmtpd_sasl_security_options =",
        ("smtpd_sasl_security_options", "high", "log in without a name"),
    ),
    "guard_eaten_by_a_list_without_a_name": (
        f"smtpd_relay_restrictions = permit_mynetworks, reject_rbl_client, {GUARD}",
        ("smtpd_relay_restrictions", "high", "neither of the two works"),
    ),
    "world_refused_by_the_last_network": (
        "smtpd_client_restrictions = check_client_access cidr:{ {10.0.0.0/8 OK},"
        " {0.0.0.0/0 REJECT} }",
        ("smtpd_client_restrictions", "high", "all mail from outside is refused"),
    ),
    "word_of_access_misspelled_in_place": (
        "smtpd_client_restrictions = check_client_access static:REJET",
        ("smtpd_client_restrictions", "critical", "neither an action"),
    ),
    "class_misspelled_in_an_inline_table": (
        "smtpd_restriction_classes = grey\ngrey = check_policy_service unix:private/grey\n"
        "smtpd_recipient_restrictions = check_recipient_access inline:{a@b.example=gray}",
        ("smtpd_recipient_restrictions", "high", "'gray' is neither"),
    ),
    "ok_for_a_server": (
        "smtpd_sender_restrictions = check_sender_mx_access cidr:{ {192.0.2.0/24 OK} }",
        ("smtpd_sender_restrictions", "high", "must not answer OK"),
    ),
    "classes_in_a_circle": (
        "smtpd_restriction_classes = a, b\na = b\nb = a\nsmtpd_client_restrictions = a",
        ("a", "critical", "smtpd(8) crashes"),
    ),
    "answers_that_cannot_be_read": (
        "smtpd_client_restrictions = reject_rbl_client zen.spamhaus.org=127.0.0.2-11",
        ("smtpd_client_restrictions", "high", "dies at each client that is listed"),
    ),
    "weight_before_the_answers": (
        "postscreen_dnsbl_sites = zen.spamhaus.org*3=127.0.0.2",
        ("postscreen_dnsbl_sites", "critical", "no number after *"),
    ),
    "refusal_of_the_resolver_counts": (
        "smtpd_client_restrictions = reject_rbl_client"
        " zen.spamhaus.org=127.[0..255].[0..255].[2..255]",
        ("smtpd_client_restrictions", "high", "refuses this resolver"),
    ),
    "allow_list_of_every_answer": (
        "smtpd_client_restrictions = permit_dnswl_client list.dnswl.org",
        ("smtpd_client_restrictions", "high", "every client passes"),
    ),
    "allow_list_that_punishes": (
        "postscreen_dnsbl_sites = list.dnswl.org=127.0.[0..255].[1..3]*2",
        ("postscreen_dnsbl_sites", "high", "lists good senders"),
    ),
    "domain_list_asked_for_addresses": (
        "smtpd_client_restrictions = reject_rbl_client dbl.spamhaus.org",
        ("smtpd_client_restrictions", "high", "answers 127.0.1.255"),
    ),
    "list_whose_name_somebody_else_took": (
        "smtpd_client_restrictions = reject_rbl_client bl.emailbasura.org=127.0.0.2",
        ("smtpd_client_restrictions", "high", "is gone since 2019"),
    ),
    "login_before_anybody_could": (
        "smtpd_delay_reject = no\nsmtpd_client_restrictions = permit_sasl_authenticated,"
        " reject_unknown_reverse_client_hostname",
        ("smtpd_client_restrictions", "medium", "nobody has logged in yet"),
    ),
    "semicolon_after_a_network": (
        "mynetworks = 127.0.0.0/8; 10.0.0.0/8",
        ("mynetworks", "medium", "matches nobody"),
    ),
    "address_with_a_part_missing": (
        "mynetworks = 127.0.0.0/8, 192.0.2",
        ("mynetworks", "medium", "matches nobody"),
    ),
    "values_that_grow_for_ever": (
        "a = $b $b $b $b\nb = $c $c $c $c\nc = $d $d $d $d\nmyorigin = $a\nd = " + "x " * 50000,
        ("myorigin", "critical", "longer than any program can use"),
    ),
    "filter_that_is_no_table": (
        "smtpd_command_filter = /etc/postfix/commands",
        ("smtpd_command_filter", "critical", "is not a table"),
    ),
    "mail_that_waits_for_a_week": (
        "default_transport_rate_delay = 1w",
        ("default_transport_rate_delay", "high", "waits for 1w"),
    ),
    "sixteen_million_strangers": (
        "mynetworks = 127.0.0.0/8, 85.0.0.0/8",
        ("mynetworks", "high", "16,777,216"),
    ),
    "capitals_in_a_list_of_words": (
        "inet_protocols = IPv4",
        ("inet_protocols", "critical", "no program of Postfix starts"),
    ),
    "facility_that_is_none": ("syslog_facility = postfix", ("syslog_facility", "critical", "none")),
    "next_hop_without_brackets": (
        "relayhost = 2001:db8::1",
        ("relayhost", "high", "as a name and a port"),
    ),
    "relayhost_by_reference": ("relayhost = $myhostname", ("relayhost", "critical", "not start")),
    "milliseconds": ("smtpd_timeout = 500ms", ("smtpd_timeout", "high", "500 minutes")),
    "time_without_a_number": ("queue_run_delay = soon", ("queue_run_delay", "high", "as 0")),
    "refusal_that_says_ok": (
        "unknown_local_recipient_reject_code = 250",
        ("unknown_local_recipient_reject_code", "high", "does not refuse"),
    ),
    "mail_thrown_away": ("default_transport = discard:", ("default_transport", "critical", "away")),
    "no_room_for_any_mail": ("queue_minfree = -1", ("queue_minfree", "critical", "452")),
    "letters_that_every_message_has": (
        "message_reject_characters = \\\\0 abc",
        ("message_reject_characters", "critical", "ordinary letters"),
    ),
    "override_of_recipients_misspelled": (
        "receive_override_options = no_unknown_recipient_check",
        ("receive_override_options", "critical", "is none of"),
    ),
    "unknown_recipients_by_an_override": (
        "receive_override_options = no_unknown_recipient_checks",
        ("receive_override_options", "high", "backscatter"),
    ),
    "catch_all_for_strangers": (
        OWN + "local_recipient_maps =\nluser_relay = admin@example.org",
        ("local_recipient_maps", "high", "backscatter"),
    ),
    "domain_rewritten_to_a_domain": (
        "virtual_alias_domains = old.example\n"
        "virtual_alias_maps = inline:{ {@old.example = @example.net} }",
        ("virtual_alias_maps", "high", "backscatter"),
    ),
    "domain_of_two_classes_in_a_table": (
        OWN + "virtual_mailbox_domains = inline:{example.net=x}\nvirtual_mailbox_maps = lmdb:/x",
        ("virtual_mailbox_domains", "high", "is in mydestination too"),
    ),
    "one_filter_that_lets_through": (
        "smtpd_milters = { inet:127.0.0.1:8891, default_action=accept }",
        ("smtpd_milters", "high", "unfiltered"),
    ),
    "name_in_capitals": ("SMTPD_BANNER = $myhostname", ("SMTPD_BANNER", "medium", "does nothing")),
    "no_cipher_left": (
        "smtpd_tls_exclude_ciphers = ALL",
        ("smtpd_tls_exclude_ciphers", "high", "nearly every cipher"),
    ),
}


@pytest.mark.parametrize("case", FOUND)
def test_sibling_is_found(case: str) -> None:
    text, (parameter, severity, words) = FOUND[case]
    found = audit(SMALL + text + "\n")
    there = [(one.parameter, one.severity) for one in found if words in one.reason]
    assert (parameter, severity) in there, found


RIGHT = {
    "networks_that_are_refused_by_right": (
        "smtpd_client_restrictions = check_client_access cidr:{ {224.0.0.0/4 REJECT},"
        " {fc00::/7 REJECT} }"
    ),
    "own_recipients_before_a_catch_all": (
        "smtpd_recipient_restrictions = check_recipient_access"
        " regexp:{ {/@example\\.net$$/ DUNNO} {/./ REJECT} }"
    ),
    "pattern_that_takes_for_ever": (
        "smtpd_client_restrictions = check_client_access pcre:{ {/((a+)+)+x/ OK} }"
    ),
    "conditional_pattern": "smtpd_client_restrictions = check_client_access pcre:/etc/postfix/x",
    "private_networks": "mynetworks = 127.0.0.0/8, 10.0.0.0/8, [fe80::]/10, [::1]/128",
    "exceptions_from_networks": "mynetworks = !192.0.2.7, 192.0.2.0/24, mail.example.net",
    "answers_of_an_allow_list": (
        "postscreen_dnsbl_sites = list.dnswl.org=127.0.[2..15].[1..3]*-2"
        " wl.mailspike.net=127.0.0.[18..20]*-2 zen.spamhaus.org=127.0.0.[2..11]*3"
    ),
    "result_with_an_enhanced_code": (
        "smtpd_sender_restrictions = check_sender_access inline:{ {a@b.example = 550 5.7.1 no} }"
    ),
    "several_next_hops": "relayhost = [a.example.net] [b.example.net]:587",
    "address_in_brackets": "relayhost = [2001:db8::1]:25",
    "times_with_long_units": "queue_run_delay = 5min\nminimal_backoff_time = 300seconds",
    "code_of_a_trial": "unverified_sender_reject_code = 250",
    "control_characters": "message_reject_characters = \\0",
    "filters_that_wait": (
        "smtpd_milters = { unix:/run/a, default_action=tempfail }, inet:127.0.0.1:9"
    ),
    "catch_all_of_one_mailbox": (
        "virtual_alias_domains = old.example\n"
        "virtual_alias_maps = inline:{@old.example=me@example.net}"
    ),
    "fields_in_any_case": "smtpd_relay_restrictions = PERMIT_MYNETWORKS, Reject_Unauth_Destination",
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_looks_alike_is_right(case: str) -> None:
    assert audit(SMALL + RIGHT[case] + "\n") == []
