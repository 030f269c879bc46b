"""Settings: what is accepted, and one readable line with the YAML path for what is not."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from components.settings.environment import SettingsError, from_mapping
from tests.support.mapping import KEY, mapping
from tests.support.stacks import ROOT, STACKS

DELETE = object()


CASES: dict[str, tuple[tuple[str, ...], Any, str]] = {
    "canary_that_is_no_host": (
        ("rollout",),
        {"canary": "mx9"},
        "rollout.canary: there is no hosts.mx9",
    ),
    "terms_not_accepted": (("certificates",), {}, "certificates.acceptTerms: missing"),
    "terms_refused": (
        ("certificates",),
        {"acceptTerms": False},
        "certificates.acceptTerms: False is no agreement",
    ),
    "acme_over_http": (
        ("certificates",),
        {"acceptTerms": True, "acmeDirectoryUrl": "http://acme.test/dir"},
        "certificates.acmeDirectoryUrl: ",
    ),
    "acme_root_is_neither_path_nor_pem": (
        ("certificates",),
        {"acceptTerms": True, "acmeCaRoot": "roots.pem"},
        "certificates.acmeCaRoot: neither an absolute path on the hosts nor a certificate in PEM",
    ),
    "policy_without_certificates": (
        ("domains", "example.test", "mtaSts"),
        {},
        "domains.example.test.mtaSts: the policy is served over HTTPS, which needs `certificates`",
    ),
    "leaving_host_that_is_no_host": (
        ("domains", "example.test", "leavingMx"),
        ["mx3"],
        "domains.example.test.leavingMx[0]: there is no hosts.mx3; did you mean ",
    ),
    "leaving_host_that_stays": (
        ("domains", "example.test"),
        {"mx": ["mx1"], "leavingMx": ["mx1"], "mailboxHost": "mailbox1", "recipients": []},
        "domains.example.test.leavingMx[0]: mx1 is also in mx",
    ),
    "all_hosts_leave_and_no_domain": (
        ("hosts",),
        {key: host | {"leaving": True} for key, host in mapping()["hosts"].items()},
        "domains.example.test: all its MX hosts leave; if the mail domain",
    ),
    "domain_that_leaves_under_a_policy_without_its_new_hosts": (
        ("domains", "example.test"),
        {
            "mailboxHost": "mailbox1",
            "recipients": [],
            "mx": [],
            "leavingMx": ["mx1", "mx2"],
            "mtaSts": {"mode": "testing"},
        },
        "domains.example.test.mtaSts.alsoMx: all its MX hosts leave",
    ),
    "policy_kept_for_minutes": (
        ("domains", "example.test", "mtaSts"),
        {"maxAgeSeconds": 600},
        "domains.example.test.mtaSts.maxAgeSeconds: ",
    ),
    "policy_mode": (
        ("domains", "example.test", "mtaSts"),
        {"mode": "report"},
        "domains.example.test.mtaSts.mode: ",
    ),
    "weak_rsa": (
        ("certificates",),
        {"acceptTerms": True, "rsaBits": 2048},
        "certificates.rsaBits: ",
    ),
    "tls_alpn": (
        ("certificates",),
        {"acceptTerms": True, "challenge": "tls-alpn-01"},
        "certificates.challenge: ",
    ),
    "key_of_another_section": (
        ("postfix",),
        {"inetInterfaces": ["loopback-only"]},
        "mx:mail.postfix.inetInterfaces: unknown key; `inetInterfaces` is a key of hosts.NAME",
    ),
    "key_of_two_sections": (
        ("records",),
        {},
        "mx:mail.records: unknown key; `records` is a key of dns and domains.DOMAIN",
    ),
    "misspelled_key_that_another_section_has": (
        ("dns", "zone"),
        "example.org",
        "mx:mail.dns.zone: unknown key; did you mean 'zones'?",
    ),
    "misspelled_key": (("domain",), {}, "mx:mail.domain: unknown key; did you mean 'domains'?"),
    "misspelled_key_below": (
        ("hosts", "mx1", "hostnme"),
        "x",
        "mx:mail.hosts.mx1.hostnme: unknown key; did you mean 'hostname'?",
    ),
    "misspelled_parameter": (
        ("postfix",),
        {"messageSizeLimit": 1},
        "mx:mail.postfix.messageSizeLimit: unknown key; did you mean 'messageSizeLimitBytes'?",
    ),
    "parameter_that_never_existed": (
        ("postfix",),
        {"extra": {"smtp_client_restrictions": "reject_unknown_client_hostname"}},
        "postfix.extra.smtp_client_restrictions: Postfix 3.10 has no such parameter; "
        "did you mean 'smtpd_client_restrictions'?",
    ),
    "obsolete_parameter": (
        ("postfix",),
        {"extra": {"smtpd_use_tls": "yes"}},
        "postfix.extra.smtpd_use_tls: obsolete since Postfix 3.9; "
        "write smtpd_tls_security_level = may",
    ),
    "tls_profile": (
        ("postfix",),
        {"tls": {"serverProfile": "ncsc"}},
        "postfix.tls.serverProfile: this must be 'ncsc-2025'",
    ),
    "policy_service": (
        ("postfix",),
        {"tls": {"policyService": "127.0.0.1:8461"}},
        "postfix.tls.policyService: ",
    ),
    "dnsbl_weight": (
        ("postfix",),
        {"postscreen": {"dnsblSites": {"zen.example.test": "3"}}},
        "postfix.postscreen.dnsblSites.zen.example.test: ",
    ),
    "missing_hosts": (("hosts",), DELETE, "mx:mail.hosts: missing"),
    "missing_hostname": (("hosts", "mx1", "hostname"), DELETE, "hosts.mx1.hostname: missing"),
    "missing_zones": (("dns", "zones"), DELETE, "mx:mail.dns.zones: missing"),
    "no_host": (("hosts",), {}, "mx:mail.hosts: this must be of 1 or more entries"),
    "the last host taken away": (("hosts",), {}, "put it back and run `mx destroy`"),
    "the last domain taken away": (("domains",), {}, "put it back and run `mx destroy`"),
    "nothing below domains": (("domains",), None, "put it back and run `mx destroy`"),
    "wrong_type": (("postfix",), {"messageSizeLimitBytes": "25M"}, "a whole number; found '25M'"),
    "no_type_of_several": (
        ("dns",),
        {"ttlSeconds": [5]},
        "dns.ttlSeconds: this must be a whole number; found a list of 1",
    ),
    "quoted_number": (("ssh",), {"port": "22"}, "a whole number; found '22', with quotes"),
    "list_for_mapping": (("domains",), ["example.test"], "mx:mail.domains: "),
    "too_small": (("postfix",), {"messageSizeLimitBytes": 1}, "messageSizeLimitBytes: "),
    "bad_hostname": (("hosts", "mx1", "hostname"), "mx1", "not a fully qualified domain name"),
    "upper_case_domain": (("hosts", "mx1", "hostname"), "MX1.example.test", "in lower case"),
    "final_dot": (("hosts", "mx1", "hostname"), "mx1.example.test.", "without the final dot"),
    "u_label": (("hosts", "mx1", "hostname"), "mx1.exämple.test", "as A-labels: 'mx1.xn--"),
    "bad_ipv4": (("hosts", "mx1", "ipv4"), "198.18.77.256", "hosts.mx1.ipv4: "),
    "bad_ipv6": (("hosts", "mx1", "ipv6"), "2001:db8::g", "hosts.mx1.ipv6: "),
    "tls_policy": (
        ("postfix",),
        {"tlsPolicies": {"[mailbox1.example.test]:25": "required"}},
        "'required' is not a TLS policy",
    ),
    "tls_policy_next_hop": (
        ("postfix",),
        {"tlsPolicies": {"[mailbox1]:25": "may"}},
        "'mailbox1' is not a fully qualified domain name",
    ),
    "bad_cidr": (("postfix",), {"mynetworks": ["10.0.0.1/8"]}, "postfix.mynetworks[0]: "),
    "open_relay": (("postfix",), {"mynetworks": ["0.0.0.0/0"]}, "would make an open relay"),
    "host_key_type": (("hosts", "mx1", "hostKey"), "ssh-dss AAAA", "not an SSH host key"),
    "host_key_base64": (("hosts", "mx1", "hostKey"), "ssh-ed25519 A?", "is not base64"),
    "host_key_mixed": (
        ("hosts", "mx1", "hostKey"),
        KEY.replace("ssh-ed25519", "ecdsa-sha2-nistp256"),
        "the base64 part is not of type ecdsa-sha2-nistp256",
    ),
    "host_key_rsa": (
        ("hosts", "mx1", "hostKey"),
        "ssh-rsa AAAAB3NzaC1yc2E=",
        "8.8 or later; give the key in /etc/ssh/ssh_host_ed25519_key.pub",
    ),
    "no_host_key": (
        ("hosts", "mx1", "hostKey"),
        DELETE,
        "hosts.mx1.hostKey: missing; give the host's SSH key here or",
    ),
    "port": (("ssh",), {"port": 70000}, "mx:mail.ssh.port: "),
    "duration": (("postfix",), {"maximalQueueLifetime": "5 days"}, "is not a Postfix time"),
    "same_address": (("hosts", "mx2", "ipv4"), "198.18.77.11", "is also hosts.mx1.ipv4"),
    "same_hostname": (
        ("hosts", "mx2", "hostname"),
        "mx1.example.test",
        "hosts.mx2.hostname: mx1.example.test is also hosts.mx1.hostname",
    ),
    "domain_without_mx": (("domains", "example.test", "mx"), [], "needs at least one MX host"),
    "unknown_mx": (
        ("domains", "example.test", "mx"),
        ["mx3"],
        "domains.example.test.mx[0]: there is no hosts.mx3; did you mean",
    ),
    "unknown_mailbox_host": (
        ("domains", "example.test", "mailboxHost"),
        "mailbox",
        "there is no mailboxHosts.mailbox; did you mean 'mailbox1'?",
    ),
    "outside_the_zones": (
        ("domains", "example.net"),
        {"mailboxHost": "mailbox1", "recipients": []},
        "domains.example.net: example.net is in none of dns.zones",
    ),
    "zone_id": (("dns", "zones", "example.test"), "abc", "is not a Cloudflare zone ID"),
    "recipient_with_domain": (
        ("domains", "example.test", "recipients"),
        ["alice@example.test"],
        "domains.example.test.recipients[0]: ",
    ),
    "recipient_is_a_comment": (
        ("domains", "example.test", "recipients"),
        ["#alice"],
        "is not the local part of an address",
    ),
    "newline_in_a_parameter": (
        ("postfix",),
        {"extra": {"smtp_helo_name": "a\nmynetworks = 0.0.0.0/0"}},
        "postfix.extra.smtp_helo_name: ",
    ),
    "listens_on_a_name": (
        ("hosts", "mx1", "inetInterfaces"),
        ["eth0"],
        "mx:mail.hosts.mx1.inetInterfaces[0]",
    ),
    "no_recipients": (
        ("domains", "example.test", "recipients"),
        DELETE,
        "domains.example.test.recipients: missing; list the local parts",
    ),
    "recipients_file_elsewhere": (
        ("domains", "example.test", "recipientsFile"),
        "/etc/passwd",
        "domains.example.test.recipientsFile: ",
    ),
    "recipient_twice": (
        ("domains", "example.test", "recipients"),
        ["alice", "alice"],
        "recipients[1]: alice is listed twice",
    ),
    "alias_is_recipient": (
        ("domains", "example.test", "aliases"),
        {"alice": ["bob@example.test"]},
        "aliases.alice: alice is also in recipients",
    ),
    "alias_that_leads_back_to_itself": (
        ("domains", "example.test", "aliases"),
        {
            "a": ["b@example.test", "a@example.test"],
            "b": ["c@example.test"],
            "c": ["a@example.test"],
        },
        "aliases.a: the alias leads back to itself: a@example.test -> b@example.test -> ",
    ),
    "forwarder_without_a_name": (
        ("resolver",),
        {"forwarders": [{"address": "9.9.9.9"}]},
        "mx:mail.resolver.forwarders[0].hostname: missing",
    ),
    "zone_with_a_final_dot": (
        ("resolver",),
        {"privateZones": ["test."]},
        "mx:mail.resolver.privateZones[0]: 'test.' is not a zone",
    ),
    "anchor_is_no_record": (
        ("resolver",),
        {"trustAnchors": ["20326 8 2 E06D44B8"]},
        "mx:mail.resolver.trustAnchors[0]: ",
    ),
    "hints_without_an_anchor": (
        ("resolver",),
        {"rootHintsFile": "root.hints"},
        "resolver.rootHintsFile: a private root needs a trust anchor",
    ),
    "one_selector_for_two_hosts": (
        ("spamFilter",),
        {"dkimSelector": "mail"},
        "mx:mail.spamFilter.dkimSelector: the selector must contain {host}",
    ),
    "selector_with_a_wrong_place": (
        ("spamFilter",),
        {"dkimSelector": "{domain}"},
        "mx:mail.spamFilter.dkimSelector: '{domain}' has braces that are not part of {host}",
    ),
    "never_marked": (
        ("spamFilter",),
        {"headerScore": 20},
        "mx:mail.spamFilter.headerScore: it is above rejectScore",
    ),
    "unknown_rate": (
        ("spamFilter",),
        {"rateLimits": {"toip": {"burst": 1, "perMinute": 1}}},
        "mx:mail.spamFilter.rateLimits.toip",
    ),
    "alias_target": (
        ("domains", "example.test", "aliases"),
        {"info": ["alice"]},
        "is not a mail address",
    ),
    "monitoring_in_the_open": (
        ("monitoring",),
        {"networks": ["192.0.2.0/28"]},
        "mx:mail.hosts.mx1.monitoringAddress: the exporters would be open to the Internet",
    ),
    "monitoring_network": (("monitoring",), {"networks": ["192.0.2.1/28"]}, "CIDR notation"),
    "nobody_may_log_in": (("firewall",), {"sshNetworks": []}, "mx:mail.firewall.sshNetworks: "),
    "spf_all": (
        ("dns", "records"),
        {"spf": "v=spf1 mx +all"},
        "mx:mail.dns.records.spf: +all lets every host",
    ),
    "dmarc_policy": (
        ("domains", "example.test", "records"),
        {"dmarc": "v=DMARC1; p=refuse"},
        "mx:mail.domains.example.test.records.dmarc: p=refuse: must be one of",
    ),
    "tls_rpt_final_dot": (
        ("dns", "records"),
        {"tlsRpt": "v=TLSRPTv1; rua=mailto:a@example.test."},
        "because of its final dot",
    ),
    "dkim_selector_of_a_host": (
        ("domains", "example.test", "records"),
        {"dkim": {"mx1": "v=DKIM1; p="}},
        "mx:mail.domains.example.test.records.dkim.mx1: hosts.mx1 already signs with its own key",
    ),
    "dkim_key": (
        ("domains", "example.test", "records"),
        {"dkim": {"s1": "v=DKIM1; p=!"}},
        "mx:mail.domains.example.test.records.dkim.s1: p= is not base64",
    ),
    "text_with_a_newline": (
        ("dns", "records"),
        {"spf": "v=spf1 mx\n-all"},
        "mx:mail.dns.records.spf: ",
    ),
    "caa_without_authority": (("dns", "caa"), {"issue": []}, "mx:mail.dns.caa.issue: "),
    "caa_account": (
        ("dns", "caa"),
        {"issue": ["ca.test"], "accountUri": "12345"},
        "mx:mail.dns.caa.accountUri: ",
    ),
    "dnssec_of_an_unknown_zone": (
        ("dns", "dnssecZones"),
        ["other.test"],
        "mx:mail.dns.dnssecZones[0]: there is no dns.zones.other.test",
    ),
    "signed_unknown_zone": (("dns", "signedZones"), ["other.test"], "dns.signedZones[0]: there is"),
    "account_with_an_unknown_zone": (
        ("dns", "accounts"),
        {"other": ["other.test"]},
        "mx:mail.dns.accounts.other[0]: there is no dns.zones.other.test",
    ),
    "zone_in_two_accounts": (
        ("dns", "accounts"),
        {"a": ["example.test"], "b": ["example.test"]},
        "mx:mail.dns.accounts.b: example.test is already in dns.accounts.a",
    ),
    "parked_mail_domain": (
        ("dns", "parkedDomains"),
        ["example.test"],
        "mx:mail.dns.parkedDomains[0]: example.test is also a mail domain",
    ),
    "parked_outside_the_zones": (
        ("dns", "parkedDomains"),
        ["parked.test"],
        "mx:mail.dns.parkedDomains[0]: parked.test is in none of dns.zones",
    ),
    "cname_of_no_mail_domain": (
        ("domains", "example.test", "records"),
        {"mtaStsCname": "other.test"},
        "records.mtaStsCname: other.test is not another mail domain",
    ),
    "adopted_by_a_name": (
        ("dns", "adopt"),
        {"mx-example.test-mx1": "mx"},
        "mx:mail.dns.adopt.mx-example.test-mx1: ",
    ),
}


def test_example_is_accepted() -> None:
    settings = from_mapping(mapping())
    assert settings.exchangers("example.test") == ["mx1", "mx2"]
    assert settings.zone_of("mx1.example.test") == "example.test"


@pytest.mark.parametrize("case", CASES)
def test_fault_is_one_line_with_its_path(case: str) -> None:
    path, value, expected = CASES[case]
    values = copy.deepcopy(mapping())
    place = values
    for key in path[:-1]:
        place = place[key]
    if value is DELETE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    with pytest.raises(SettingsError) as caught:
        from_mapping(values, "stacks/Pulumi.lab.yaml")
    lines = str(caught.value).split("\n")
    assert all(line.startswith("stacks/Pulumi.lab.yaml: mx:mail.") for line in lines), lines
    assert any(expected in line for line in lines), lines


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_file_is_valid(stack: str) -> None:
    text = (ROOT / "stacks" / f"Pulumi.{stack}.yaml").read_text()
    from_mapping(yaml.safe_load(text)["config"]["mx:mail"])


def test_an_acme_profile_needs_dehydrated_of_debian_13() -> None:
    values = mapping()
    values["hosts"]["mx2"]["debian"] = 12
    values["certificates"] = {"acceptTerms": True, "acmeProfile": "tlsserver"}
    with pytest.raises(SettingsError, match=r"certificates.acmeProfile: hosts.mx2 has Debian 12"):
        from_mapping(values)
