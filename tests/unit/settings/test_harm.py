"""Settings that can only harm are refused with their YAML path; what looks alike is accepted.

Each case is named after the state that it would have made.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from components.settings.environment import SettingsError, from_mapping
from tests.support.mapping import mapping

Change = dict[tuple[str, ...], Any]
DOMAIN = ("domains", "example.test")
ALIASES = (*DOMAIN, "aliases")
EXTRA = ("postfix", "extra")
POLICIES = ("postfix", "tlsPolicies")
SITES = ("postfix", "postscreen", "dnsblSites")
FINGERPRINT = ":".join(["AB"] * 32)


def changed(change: Change) -> dict[str, Any]:
    """The settings of the tests with values put at their places, groups made where they lack."""
    values = copy.deepcopy(mapping())
    for path, value in change.items():
        place = values
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = value
    return values


def alias(*targets: str) -> Change:
    return {ALIASES: {"info": [*targets]}}


def parked(name: str) -> Change:
    return {("dns", "parkedDomains"): [name]}


HARM: dict[str, tuple[Change, str]] = {
    # Mail that is accepted and then bounces, loops or reaches nobody.
    "alias_to_a_parked_domain": (
        {**alias("x@park.example.test"), **parked("park.example.test")},
        "domains.example.test.aliases.info[0]: no mail reaches x@park.example.test: "
        "park.example.test is in dns.parkedDomains",
    ),
    "alias_to_an_mx_host": (
        alias("alice@example.test", "alice@mx1.example.test"),
        "aliases.info[1]: no mail reaches alice@mx1.example.test: mx1.example.test is an MX host",
    ),
    "alias_to_root_of_a_host_whose_notices_go_nowhere": (
        alias("root@mx1.example.test"),
        "aliases.info[0]: no mail reaches root@mx1.example.test",
    ),
    "alias_to_a_policy_host": (
        {
            **alias("x@mta-sts.example.test"),
            (*DOMAIN, "mtaSts"): {},
            ("certificates", "acceptTerms"): True,
        },
        "mta-sts.example.test is an MTA-STS policy host",
    ),
    "alias_to_nobody_of_the_own_domain": (
        alias("alise@example.test"),
        "'alise' is neither a recipient nor an alias of domains.example.test",
    ),
    "alias_to_an_extension_of_nobody": (alias("alise+x@example.test"), "'alise' is neither"),
    "alias_to_a_name_that_never_exists": (alias("x@mail.invalid"), "ends in .invalid"),
    "alias_to_itself_alone": (
        alias("info@example.test"),
        "aliases.info: the alias has no other target than itself; write 'info' under recipients",
    ),
    "alias_to_itself_alone_twice": (
        alias("info@example.test", "info@example.test"),
        "has no other target than itself",
    ),
    "alias_that_loops_over_the_notices_of_a_host": (
        {ALIASES: {"postmaster": ["root@mx1.example.test"]}},
        "aliases.postmaster: the alias leads back to itself: postmaster@example.test -> "
        "root@mx1.example.test -> postmaster@example.test",
    ),
    "alias_meant_as_a_catch_all": ({ALIASES: {"*": ["alice@example.test"]}}, "no catch-all"),
    "alias_meant_as_a_pattern": ({ALIASES: {"sales-*": ["alice@example.test"]}}, "no pattern"),
    "alias_to_everybody": (alias("*@partner.example"), "'*' is no pattern here"),
    "recipient_meant_as_a_catch_all": ({(*DOMAIN, "recipients"): ["*"]}, "no catch-all"),
    "alias_in_upper_case_to_the_own_domain": (
        alias("Alice@example.test"),
        "is a mail domain of this stack: write 'alice@example.test'",
    ),
    "alias_to_an_address_of_ipv4": (alias("x@192.0.2.1"), "'192.0.2.1' is an IP address"),
    "mailbox_host_is_an_mx": (
        {("mailboxHosts", "mailbox1", "hostname"): "mx1.example.test"},
        "mailbox1.hostname: mx1.example.test is also hosts.mx1, so every message would loop",
    ),
    "mailbox_host_is_an_mx_by_lmtp": (
        {("mailboxHosts", "mailbox1"): {"hostname": "mx2.example.test", "protocol": "lmtp"}},
        "mx2.example.test is also hosts.mx2",
    ),
    "mailbox_host_is_an_address": (
        {("mailboxHosts", "mailbox1", "hostname"): "198.18.77.11"},
        "'198.18.77.11' is an IP address",
    ),
    "notices_to_nobody": (
        {("postfix", "noticeRecipient"): "nobody@example.test"},
        "postfix.noticeRecipient: no mail reaches nobody@example.test: 'nobody' is neither",
    ),
    "notices_to_a_parked_domain": (
        {("postfix", "noticeRecipient"): "x@park.example.test", **parked("park.example.test")},
        "postfix.noticeRecipient: no mail reaches x@park.example.test",
    ),
    "authority_writes_to_nobody": (
        {("certificates",): {"acceptTerms": True, "contact": "acme@example.test"}},
        "certificates.contact: no mail reaches acme@example.test",
    ),
    "caa_reports_to_nobody": (
        {("dns", "caa"): {"issue": ["ca.test"], "iodef": "caa@example.test"}},
        "dns.caa.iodef: no mail reaches caa@example.test",
    ),
    "caa_that_locks_the_other_host_out": (
        {("dns", "caa"): {"issue": ["ca.test"], "accountUri": "https://ca.test/a/1"}},
        "dns.caa.accountUri: every MX host has its own account",
    ),
    "dmarc_reports_to_nobody": (
        {("dns", "records", "dmarc"): "v=DMARC1; p=none; rua=mailto:dmarc@example.test!10m"},
        "dns.records.dmarc: no mail reaches dmarc@example.test",
    ),
    "tls_reports_of_a_domain_to_nobody": (
        {(*DOMAIN, "records", "tlsRpt"): "v=TLSRPTv1; rua=mailto:tls@mx1.example.test"},
        "domains.example.test.records.tlsRpt: no mail reaches tls@mx1.example.test",
    ),
    # Names with two meanings.
    "parked_name_of_an_mx_host": (
        parked("mx1.example.test"),
        "dns.parkedDomains[0]: mx1.example.test is also hosts.mx1",
    ),
    "parked_twice": (
        {("dns", "parkedDomains"): ["p.example.test", "p.example.test"]},
        "dns.parkedDomains[1]: p.example.test is listed twice",
    ),
    "parked_policy_host": (
        {
            **parked("mta-sts.example.test"),
            (*DOMAIN, "mtaSts"): {},
            ("certificates", "acceptTerms"): True,
        },
        "dns.parkedDomains[0]: mta-sts.example.test is also domains.example.test.mtaSts",
    ),
    "mx_host_is_a_mail_domain": (
        {("hosts", "mx1", "hostname"): "example.test"},
        "hosts.mx1.hostname: example.test is also a mail domain, and both need an SPF record",
    ),
    "mx_host_twice": (
        {(*DOMAIN, "mx"): ["mx1", "mx1"]},
        "domains.example.test.mx[1]: mx1 is listed twice",
    ),
    "hostname_for_which_no_authority_issues": (
        {("hosts", "mx1", "hostname"): "mx_1.example.test"},
        "hosts.mx1.hostname: 'mx_1.example.test' has an underscore",
    ),
    "listens_on_loopback_only": (
        {("hosts", "mx1", "inetInterfaces"): ["loopback-only"]},
        "hosts.mx1.inetInterfaces: no sender can reach loopback-only",
    ),
    "listens_on_all_and_one_more": (
        {("hosts", "mx1", "inetInterfaces"): ["all", "198.18.77.11"]},
        "hosts.mx1.inetInterfaces: all must be the only entry",
    ),
    "listens_on_none_of_its_published_ipv6": (
        {
            ("hosts", "mx1", "ipv6"): "2001:db8::1",
            ("hosts", "mx1", "inetInterfaces"): ["198.18.77.11"],
        },
        "hosts.mx1.inetInterfaces: 2001:db8::1 is published in DNS, but no ipv6 address",
    ),
    # An open relay, in parts.
    "mynetworks_in_two_halves": (
        {("postfix", "mynetworks"): ["0.0.0.0/1", "128.0.0.0/1"]},
        "postfix.mynetworks[1]: '128.0.0.0/1' would make an open relay",
    ),
    "mynetworks_of_all_ipv6": (
        {("postfix", "mynetworks"): ["2000::/3"]},
        "postfix.mynetworks[0]: '2000::/3' would make an open relay",
    ),
    "mynetworks_that_add_up": (
        {("postfix", "mynetworks"): [f"{first}.0.0.0/8" for first in range(20, 24)]},
        "postfix.mynetworks: together these are 4 times an IPv4 /8",
    ),
    "mynetworks_that_add_up_with_those_of_the_filter": (
        {
            ("postfix", "mynetworks"): ["20.0.0.0/8"],
            ("spamFilter", "localNetworks"): ["21.0.0.0/8"],
        },
        "spamFilter.localNetworks: with postfix.mynetworks: together these are",
    ),
    "mynetworks_of_ipv4_in_ipv6": (
        {("postfix", "mynetworks"): ["::ffff:0:0/96"]},
        "stands for IPv4 addresses",
    ),
    "mynetworks_behind_nat64": (
        {("postfix", "mynetworks"): ["64:ff9b::/96"]},
        "stands for IPv4 addresses",
    ),
    "mynetworks_behind_the_back": (
        {EXTRA: {"mynetworks": "0.0.0.0/0"}},
        "postfix.extra.mynetworks: the setting for this is postfix.mynetworks",
    ),
    # Guards that `extra` would take down.
    "relay_restrictions_without_the_guard": (
        {EXTRA: {"smtpd_relay_restrictions": "permit"}},
        "postfix.extra.smtpd_relay_restrictions: this parameter must not be changed",
    ),
    "relay_domains_of_others": (
        {EXTRA: {"relay_domains": "static:all"}},
        "the setting for this is domains",
    ),
    "recipients_unchecked": (
        {EXTRA: {"smtpd_reject_unlisted_recipient": "no"}},
        "unknown recipients would be accepted",
    ),
    "recipients_unchecked_by_an_override": (
        {EXTRA: {"receive_override_options": "no_unknown_recipient_checks"}},
        "unknown recipients would be accepted",
    ),
    "recipients_refused_with_success": (
        {EXTRA: {"unknown_relay_recipient_reject_code": "250"}},
        "begins with 4 or 5",
    ),
    "filter_that_lets_through_when_down": (
        {EXTRA: {"milter_default_action": "accept"}},
        "must neither let mail through nor lose it",
    ),
    "mailbox_host_that_is_parked": (
        {("dns", "parkedDomains"): ["mailbox1.example.test"]},
        "dns.parkedDomains[0]: mailbox1.example.test is also mailboxHosts.mailbox1",
    ),
    "mail_to_the_bin": ({EXTRA: {"default_transport": "discard:"}}, "delivers no mail"),
    "mail_that_never_leaves": ({EXTRA: {"defer_transports": "smtp"}}, "would stay in the queue"),
    "services_switched_off": ({EXTRA: {"master_service_disable": "inet"}}, "no longer run"),
    "queue_elsewhere": ({EXTRA: {"queue_directory": "/var/tmp/q"}}, "the running queue"),
    "mailboxes_on_the_mx": ({EXTRA: {"mydestination": "example.test"}}, "delivers no mail locally"),
    "strangers_refused": (
        {EXTRA: {"smtpd_client_restrictions": "permit_mynetworks, reject"}},
        "reject would refuse all mail from strangers",
    ),
    "strangers_say_who_they_are": (
        {EXTRA: {"smtpd_authorized_xclient_hosts": "0.0.0.0/0"}},
        "includes strangers",
    ),
    "smuggling_allowed": ({EXTRA: {"smtpd_forbid_bare_newline": "no"}}, "CVE-2023-51764"),
    "bounced_within_the_hour": (
        {("postfix", "maximalQueueLifetime"): "1h"},
        "postfix.maximalQueueLifetime: '1h' is less than a day: mail would bounce",
    ),
    "queue_time_with_which_qmgr_dies": (
        {("postfix", "bounceQueueLifetime"): "101d"},
        "postfix.bounceQueueLifetime: '101d' is more than 100 days",
    ),
    "delay_time_with_which_qmgr_dies": (
        {("postfix", "delayWarningTime"): "999999w"},
        "postfix.delayWarningTime: '999999w' is more than 100 days",
    ),
    # TLS policies with which all mail to a destination is deferred.
    "tls_policy_with_a_misspelled_attribute": (
        {POLICIES: {"partner.example": "secure macth=nexthop"}},
        "postfix.tlsPolicies.partner.example: there is no attribute 'macth'; did you mean 'match'?",
    ),
    "tls_policy_with_a_misspelled_match": (
        {POLICIES: {"partner.example": "secure match=nexthopp"}},
        "'nexthopp': must be nexthop",
    ),
    "tls_policy_with_match_at_encrypt": (
        {POLICIES: {"partner.example": "encrypt match=nexthop"}},
        "match= is for the levels fingerprint, verify, secure, not for encrypt",
    ),
    "tls_policy_with_match_at_dane": (
        {POLICIES: {"partner.example": "dane-only match=nexthop"}},
        "not for dane-only",
    ),
    "tls_policy_with_ciphers_twice": (
        {POLICIES: {"partner.example": "encrypt ciphers=high ciphers=medium"}},
        "ciphers= stands twice",
    ),
    "tls_policy_with_a_blank": (
        {POLICIES: {"partner.example": "secure match = nexthop"}},
        "'match' is not of the form name=value",
    ),
    "tls_policy_with_a_comma_in_a_value": (
        {POLICIES: {"partner.example": "encrypt protocols=!TLSv1,!TLSv1.1"}},
        "'!TLSv1.1' is not of the form name=value",
    ),
    "tls_policy_with_an_unknown_protocol": (
        {POLICIES: {"partner.example": "encrypt protocols=>=TLS1.2"}},
        "'>=TLS1.2': must be a protocol",
    ),
    "tls_policy_with_an_unknown_grade": (
        {POLICIES: {"partner.example": "encrypt ciphers=strong"}},
        "ciphers=strong: must be one of the grades",
    ),
    "tls_policy_with_no_fingerprint": (
        {POLICIES: {"partner.example": "fingerprint"}},
        "fingerprint needs match=",
    ),
    "tls_policy_with_attributes_and_no_tls": (
        {POLICIES: {"partner.example": "none ciphers=high"}},
        "has no meaning with the level none",
    ),
    "tls_policy_newer_than_postfix": (
        {("hosts", "mx2", "debian"): 12, POLICIES: {"partner.example": "secure enable_rpk=yes"}},
        "Postfix 3.7 has no attribute 'enable_rpk'",
    ),
    "tls_policy_of_a_next_hop_that_is_none": (
        {POLICIES: {"[mailbox1.example.test]": "secure"}},
        "mail for this host goes to [mailbox1.example.test]:25; write the policy for that next hop",
    ),
    "tls_policy_of_a_port_that_is_none": (
        {POLICIES: {"[partner.example]:99999": "secure"}},
        "99999 is not a port",
    ),
    # Names by the rules of another standard.
    "sharp_s": (alias("kontakt@straße.example"), "as A-labels: 'xn--strae-oqa.example'"),
    "final_sigma": (alias("x@βόλος.example"), "as A-labels: 'xn--nxasmm1c.example'"),
    "zero_width_joiner": (
        alias("x@ශ්‍රී.example"),
        "as A-labels: 'xn--10cl1a0b660p.example'",
    ),
    "upper_case_with_two_lower_cases": (alias("x@ΒΌΛΟΣ.example"), "in lower case and as A-labels"),
    "emoji": (alias("x@☃.example"), "is not a domain name by IDNA 2008"),
    "full_width": (alias("x@\uff45xample.test"), "is not a domain name by IDNA 2008"),
    # Lists whose answers would never count, or count the wrong way.
    "allow_list_that_never_counts": (
        {SITES: {"wl.example.test": -2}},
        "postfix.postscreen.dnsblSites.wl.example.test: a weight below 0 is for an allow list",
    ),
    "allow_list_as_a_block_list": ({SITES: {"list.dnswl.org": 2}}, "this is an allow list"),
    "block_list_as_an_allow_list": ({SITES: {"zen.spamhaus.org": -3}}, "a weight below 0"),
    "answers_that_refuse_the_resolver": (
        {SITES: {"bl.example.test": {"weight": 2, "answers": "127.[0..255].[0..255].[0..255]"}}},
        "with which a list refuses the resolver",
    ),
    "answers_out_of_range": (
        {SITES: {"bl.example.test": {"weight": 2, "answers": "127.0.0.[2..256]"}}},
        "is not a range within 0 to 255",
    ),
    "answers_without_brackets": (
        {SITES: {"bl.example.test": {"weight": 2, "answers": "127.0.0.2..11"}}},
        "is not a filter of answers",
    ),
}

# Values that `postfix check` takes, and at which the named daemon dies or answers 451 to everybody.
DEADLY = {
    "smtpd_restriction": (
        "smtpd_client_restrictions",
        "permit_mynetworks, reject_unauth_pipelinig",
    ),
    "smtpd_number": ("smtpd_recipient_limit", "many"),
    "smtpd_boolean": ("smtpd_helo_required", "true"),
    "smtpd_level": ("smtpd_tls_security_level", "maybe"),
    "smtpd_table": ("smtpd_sender_restrictions", "check_sender_access /etc/postfix/senders"),
    "smtpd_newline": ("smtpd_forbid_bare_newline", "true"),
    "qmgr_time": ("minimal_backoff_time", "5 minutes"),
    "qmgr_number": ("qmgr_message_active_limit", "20k"),
    "qmgr_transport": ("smtp_destination_concurrency_limit", "unlimited"),
    "qmgr_rate": ("default_destination_rate_delay", "half a second"),
    "cleanup_size": ("header_size_limit", "100 KB"),
    "cleanup_number": ("virtual_alias_expansion_limit", "1k"),
    "smtp_time": ("smtp_connect_timeout", "30 sec"),
    "smtp_level": ("smtp_tls_security_level", "opportunistic"),
    "smtp_preference": ("smtp_address_preference", "ipv5"),
    "trivial_rewrite_boolean": ("append_dot_mydomain", "off"),
    "proxymap_number": ("max_use", "hundred"),
    "trivial_rewrite_limit": ("ipc_timeout", "1 hour"),
    "pickup_mask": ("masquerade_classes", "headers"),
}
DEADLY_CHANGES: dict[str, tuple[Change, str]] = {
    f"deadly_{case}": ({EXTRA: {name: value}}, f"postfix.extra.{name}: ")
    for case, (name, value) in DEADLY.items()
}
HARM |= DEADLY_CHANGES

HARMLESS: dict[str, Change] = {
    "own_parameters_of_every_type": {
        EXTRA: {
            "smtpd_recipient_limit": "500",
            "minimal_backoff_time": "5m",
            "smtpd_helo_required": "no",
            "header_size_limit": "204800",
            "smtp_connect_timeout": "20s",
            "smtp_address_preference": "ipv4",
            "smtpd_sender_restrictions": "check_sender_access lmdb:/etc/postfix/tables/s",
        }
    },
    "plus_in_a_target": alias("alice+shop@example.test", "j.doe+lists@partner.example"),
    "upper_case_of_others": alias("J.Doe@partner.example"),
    "alias_with_an_extension_of_its_own": {
        ALIASES: {"info": ["alice@example.test"], "info+x": ["bob@partner.example"]}
    },
    "alias_to_an_alias": {ALIASES: {"a": ["b@example.test"], "b": ["alice@example.test"]}},
    "alias_with_a_copy_for_itself": alias("info@example.test", "alice@example.test"),
    "plus_in_a_recipient_without_delimiter": {
        (*DOMAIN, "recipients"): ["alice+shop"],
        ("postfix", "recipientDelimiter"): "",
    },
    "alias_to_the_notices_of_a_host": {
        ALIASES: {"info": ["root@mx1.example.test"], "postmaster": ["alice@example.test"]}
    },
    "notices_to_somebody_else": {("postfix", "noticeRecipient"): "noc@partner.example"},
    "notices_to_an_alias": {
        ALIASES: {"ops": ["alice@example.test"]},
        ("postfix", "noticeRecipient"): "ops@example.test",
    },
    "mailboxes_on_the_mx_by_another_port": {
        ("mailboxHosts", "mailbox1"): {
            "hostname": "mx1.example.test",
            "port": 2424,
            "protocol": "lmtp",
        }
    },
    "private_networks": {
        ("postfix", "mynetworks"): ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fd00::/32"]
    },
    "listens_on_both_families": {
        ("hosts", "mx1", "ipv6"): "2001:db8::1",
        ("hosts", "mx1", "inetInterfaces"): ["127.0.0.1", "10.0.0.1", "2001:db8::1"],
    },
    "tls_policies": {
        POLICIES: {
            "a.example": "secure match=nexthop:.a.example ciphers=high protocols=!SSLv3:>=TLSv1.2",
            "b.example": f"fingerprint match={FINGERPRINT}|{FINGERPRINT} match={FINGERPRINT}",
            "c.example": "verify servername=hostname connection_reuse=no tafile=/etc/ssl/c.pem",
            "d.example": "none",
            "[mailbox1.example.test]:25": "dane-only",
        }
    },
    "relay_through_a_provider": {
        EXTRA: {"relayhost": "[smtp.provider.example]:587", "smtp_sasl_auth_enable": "yes"}
    },
    "strangers_warned_of": {
        EXTRA: {"smtpd_client_restrictions": "permit_mynetworks, warn_if_reject reject"}
    },
    "lists_with_answers_of_their_own": {
        SITES: {
            "zen.spamhaus.org": 3,
            "list.dnswl.org": -2,
            "wl.mailspike.net": -2,
            "wl.example.test": {"weight": -3, "answers": "127.0.[2;4..6].1"},
        }
    },
}


@pytest.mark.parametrize("case", HARM)
def test_harm_is_refused_with_its_path(case: str) -> None:
    change, expected = HARM[case]
    with pytest.raises(SettingsError) as caught:
        from_mapping(changed(change), "stacks/Pulumi.lab.yaml")
    lines = str(caught.value).split("\n")
    assert all(line.startswith("stacks/Pulumi.lab.yaml: mx:mail.") for line in lines), lines
    assert any(expected in line for line in lines), lines


@pytest.mark.parametrize("case", HARMLESS)
def test_what_looks_alike_is_accepted(case: str) -> None:
    from_mapping(changed(HARMLESS[case]))
