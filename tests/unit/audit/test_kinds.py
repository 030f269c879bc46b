"""Kinds of faults in main.cf, each with siblings: what is found, and what is right and is not.

Every case was tried on Postfix 3.7 and 3.10 or follows from the source that a rule names.
"""

from __future__ import annotations

import pytest

from components.audit import audit

SMALL = "compatibility_level = 3.6\nsmtpd_forbid_bare_newline = normalize\n"
GUARD = "reject_unauth_destination"

# Lines after SMALL, then line, parameter, severity and a part of the reason of the first finding.
FOUND = {
    "relay_by_what_the_sender_says": (
        "smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = check_sender_access"
        f" hash:/x, {GUARD}",
        (4, "smtpd_recipient_restrictions", "critical", "open relay"),
    ),
    "relay_by_the_helo_name": (
        f"smtpd_relay_restrictions = check_helo_access inline:{{mx=OK}}, {GUARD}",
        (3, "smtpd_relay_restrictions", "critical", "open relay"),
    ),
    "relay_by_an_allow_list": (
        f"smtpd_relay_restrictions = permit_dnswl_client list.dnswl.org, {GUARD}",
        (3, "smtpd_relay_restrictions", "critical", "open relay"),
    ),
    "relay_by_a_class": (
        "smtpd_restriction_classes = friends\nfriends = check_sender_access pcre:/x\n"
        f"smtpd_relay_restrictions = friends, {GUARD}",
        (5, "smtpd_relay_restrictions", "critical", "open relay"),
    ),
    "relay_by_a_table_that_matches_all": (
        f"smtpd_relay_restrictions = check_client_access cidr:{{ {{0.0.0.0/0 OK}} }}, {GUARD}",
        (3, "smtpd_relay_restrictions", "critical", "open relay"),
    ),
    "relay_by_short_hand": (
        f"smtpd_relay_restrictions = static:OK, {GUARD}",
        (3, "smtpd_relay_restrictions", "critical", "open relay"),
    ),
    "relay_by_all_networks": (
        "mynetworks = static:all",
        (3, "mynetworks", "critical", "open relay"),
    ),
    "relay_by_all_domains": (
        "relay_domains = pcre:{ {/./ x} }",
        (3, "relay_domains", "critical", "open relay"),
    ),
    "relay_by_all_domains_but_for_a_list": (
        "relay_domains = static:all\nrelay_recipient_maps = lmdb:/x",
        (3, "relay_domains", "high", "an open relay, but for"),
    ),
    "relay_by_a_top_level_domain": (
        "relay_domains = org\nrelay_recipient_maps = lmdb:/x",
        (3, "relay_domains", "high", "open relay"),
    ),
    "own_domains_are_all_domains": (
        "virtual_alias_maps = static:postmaster",
        (3, "virtual_alias_maps", "critical", "matches every domain"),
    ),
    "guard_that_only_warns": (
        f"smtpd_relay_restrictions = warn_if_reject {GUARD}",
        (3, "smtpd_relay_restrictions", "critical", "does not start"),
    ),
    "guard_behind_permit": (
        f"smtpd_relay_restrictions = permit, {GUARD}",
        (3, "smtpd_relay_restrictions", "critical", "does not start"),
    ),
    "all_networks_where_the_recipient_list_still_refuses": (
        f"mynetworks = static:all\nsmtpd_recipient_restrictions = {GUARD}",
        (3, "mynetworks", "high", "permits everybody"),
    ),
    "all_domains_are_local_but_their_users_are_known": (
        "mydestination = pcre:{ {/./ x} }",
        (3, "mydestination", "high", "reaches nobody"),
    ),
    "world_refused": (
        "smtpd_client_restrictions = permit_mynetworks, reject",
        (3, "smtpd_client_restrictions", "high", "all mail from outside is refused"),
    ),
    "world_deferred": (
        "smtpd_sender_restrictions = defer_if_permit",
        (3, "smtpd_sender_restrictions", "high", "all mail from outside is deferred"),
    ),
    "class_without_a_definition": (
        "smtpd_restriction_classes = nobody",
        (3, "smtpd_restriction_classes", "critical", "no definition"),
    ),
    "table_of_no_type": (
        "virtual_alias_maps = hsah:/etc/postfix/virtual",
        (3, "virtual_alias_maps", "critical", "not a type of table"),
    ),
    "reference_without_an_end": (
        "myorigin = ${mydomain",
        (3, "myorigin", "critical", "not closed"),
    ),
    "two_names_that_refer_to_each_other": (
        "myorigin = $mydomain\nmydomain = $myorigin",
        (3, "myorigin", "critical", "nesting"),
    ),
    "backslash_in_a_list_of_domains": (
        "mydestination = localhost, \\\n  example.net",
        (3, "mydestination", "high", "no continuation by backslash"),
    ),
    "wide_blank_between_networks": (
        "mynetworks = 127.0.0.0/8\u3000[::1]/128",
        (3, "mynetworks", "high", "not a blank for Postfix"),
    ),
    "zero_width_blank": (
        "smtpd_helo_restrictions = \u200breject_invalid_helo_hostname\nsmtpd_helo_required = yes",
        (3, "smtpd_helo_restrictions", "critical", "not a blank for Postfix"),
    ),
    "accidental_continuation": (
        "smtpd_helo_required = no\n mynetworks = 127.0.0.0/8",
        (4, "mynetworks", "critical", "part of the value of smtpd_helo_required"),
    ),
    "comment_in_a_restriction_list": (
        f"smtpd_relay_restrictions = {GUARD} # nobody",
        (3, "smtpd_relay_restrictions", "critical", "does not begin a comment"),
    ),
    "restriction_that_3_9_dropped": (
        "smtpd_client_restrictions = reject_maps_rbl",
        (3, "smtpd_client_restrictions", "low", "since Postfix 3.9"),
    ),
    "words_after_the_end_of_a_list": (
        f"smtpd_relay_restrictions = {GUARD}, permit, permit_mynetworks",
        (3, "smtpd_relay_restrictions", "medium", "is never reached"),
    ),
    "recipient_words_too_early": (
        "smtpd_delay_reject = no\n"
        "smtpd_client_restrictions = check_recipient_access lmdb:/etc/postfix/x",
        (4, "smtpd_client_restrictions", "medium", "is not known yet here"),
    ),
    "class_by_mydomain": (
        "myhostname = mx.example.net\nmydestination = $mydomain\n"
        "relay_domains = example.net\nrelay_recipient_maps = lmdb:/x",
        (5, "relay_domains", "high", "is in mydestination too"),
    ),
    "mailbox_domain_without_a_list": (
        "virtual_mailbox_domains = example.net\nvirtual_transport = lmtp:unix:/x",
        (3, "virtual_mailbox_domains", "high", "backscatter"),
    ),
    "passwords_for_smtp_without_a_table": (
        "smtp_sasl_auth_enable = yes",
        (3, "smtp_sasl_auth_enable", "critical", "smtp(8) dies"),
    ),
    "tls_demanded_of_the_world": (
        "smtp_tls_security_level = secure",
        (3, "smtp_tls_security_level", "high", "waits and bounces"),
    ),
    "wrapper_mode_on_port_25": (
        "smtpd_tls_wrappermode = yes",
        (3, "smtpd_tls_wrappermode", "critical", "sends no greeting"),
    ),
    "size_above_the_virtual_mailbox": (
        "virtual_mailbox_domains = example.net\nvirtual_mailbox_maps = lmdb:/x\n"
        "message_size_limit = 60000000\nmailbox_size_limit = 0",
        (5, "message_size_limit", "high", "virtual_mailbox_limit"),
    ),
    "class_with_a_misspelled_word": (
        "smtpd_restriction_classes = strict\nstrict = reject_non_fqdn_sendr\n"
        "smtpd_client_restrictions = strict",
        (4, "strict", "critical", "reject_non_fqdn_sender is meant"),
    ),
    "list_of_master_cf_with_a_misspelled_word": (
        "mua_client_restrictions = permit_sasl_authenticatd, reject",
        (3, "mua_client_restrictions", "high", "permit_sasl_authenticated is meant"),
    ),
    "everybody_is_a_recipient": (
        "relay_domains = example.net\nrelay_recipient_maps = static:x",
        (3, "relay_domains", "high", "knows every address"),
    ),
    "name_of_the_host_with_a_blank": (
        "myhostname = mx example.net",
        (3, "myhostname", "critical", "is not a host name"),
    ),
    "table_of_no_type_for_deliveries": (
        "virtual_gid_maps = satic:5000",
        (3, "virtual_gid_maps", "high", "mail waits in the queue"),
    ),
    "limit_that_large_senders_reach": (
        "smtpd_client_recipient_rate_limit = 1",
        (3, "smtpd_client_recipient_rate_limit", "high", "large senders reach this limit too"),
    ),
    "banner_without_the_name": (
        "smtpd_banner = ESMTP",
        (3, "smtpd_banner", "medium", "does not begin with $myhostname"),
    ),
    "list_that_is_gone": (
        "postscreen_dnsbl_sites = dnsbl.sorbs.net=127.0.0.[2..14]*2",
        (3, "postscreen_dnsbl_sites", "high", "is gone since 2024"),
    ),
    "codes_that_never_come": (
        "smtpd_sender_restrictions = reject_rhsbl_sender dbl.spamhaus.org=127.0.0.[2..11]",
        (3, "smtpd_sender_restrictions", "medium", "never matches"),
    ),
    "allow_list_with_codes_that_never_come": (
        "postscreen_dnsbl_sites = list.dnswl.org=127.0.0.[4..11]*-2",
        (3, "postscreen_dnsbl_sites", "medium", "never matches"),
    ),
    "port_25_switched_off": (
        "master_service_disable = inet",
        (3, "master_service_disable", "critical", "no mail arrives"),
    ),
}


@pytest.mark.parametrize("case", FOUND)
def test_fault_is_found(case: str) -> None:
    text, (line, parameter, severity, words) = FOUND[case]
    found = audit(SMALL + text + "\n")
    assert found, case
    one = found[0]
    assert (one.line, one.parameter, one.severity) == (line, parameter, severity), found
    assert words in one.reason


@pytest.mark.parametrize(
    "line",
    [
        "tls_ssl_options = NO_RENEGOTIATION",
        "smtpd_milters = inet:[::1]:9\nmilter_default_action = tempfail",
        "smtp_tls_fingerprint_digest = sha256",
    ],
)
def test_remedy_that_an_older_postfix_must_not_follow_names_the_first_version(line: str) -> None:
    (one,) = [one for one in audit(SMALL + line + "\n") if one.kind == "obsolete"]
    assert one.remedy.startswith("From "), one
    assert "; " in one.remedy


def test_remedy_for_a_known_version_names_no_other() -> None:
    text = SMALL + "tls_ssl_options = NO_RENEGOTIATION\n"
    (one,) = audit(text, "3.10")
    assert one.remedy == "Keep NO_COMPRESSION at most."
    assert audit(text, "3.7") == []
