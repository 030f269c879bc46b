"""What is rendered against strangers: extensions, clear text to mailbox hosts, forged domains."""

from __future__ import annotations

import re
from typing import Any

import pytest

from components.services.postfix import main_cf, master_cf, restrictions
from components.services.spam_filter import component as spam_filter
from components.services.spam_filter import rspamd
from components.settings.environment import Settings, SettingsError, from_mapping
from tests.support.mapping import mapping


def settings(**values: Any) -> Settings:
    return from_mapping(mapping() | values)


def test_strangers_are_offered_neither_dsn_nor_etrn() -> None:
    wanted = settings(postfix={"mynetworks": ["192.0.2.0/24"]})
    text = main_cf.sections(wanted, "mx1")["80-restrictions.cf"]
    assert "smtpd_discard_ehlo_keywords = chunking, dsn, etrn, silent-discard\n" in text
    assert restrictions.ehlo(wanted).splitlines() == [
        f"{network} chunking, silent-discard"
        for network in ("127.0.0.0/8", "::1/128", "192.0.2.0/24")
    ]


@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
def test_a_mailbox_host_with_lmtp_gets_tls_and_its_policies(protocol: str) -> None:
    box = {"hostname": "box.example.test", "port": 24, "protocol": protocol}
    text = main_cf.tls_sections(settings(mailboxHosts={"mailbox1": box}), "mx1", ["/chain"])
    client = text["61-tls-client.cf"]
    assert ("lmtp_tls_security_level = dane\n" in client) == (protocol == "lmtp")
    assert ("lmtp_tls_policy_maps = " in client) == (protocol == "lmtp")


def test_a_sender_of_ours_that_is_no_recipient_is_for_spf_and_dmarc() -> None:
    text = main_cf.sections(settings(), "mx1")["80-restrictions.cf"]
    assert "smtpd_sender_restrictions = reject_non_fqdn_sender\n" in text


@pytest.mark.parametrize("debian", [12, 13])
def test_own_domains_are_marked_by_default(debian: int) -> None:
    values = mapping()
    values["hosts"]["mx1"]["debian"] = debian
    files = spam_filter.manifest(from_mapping(values), "mx1", "me").files
    lua = [file.content for path, file in files.items() if "mx_dmarc" in file.content and path]
    text = next(each for each in lua if "ours =" in each)
    assert '  ours = "mark",\n  others = "score",\n  own = { ["example.test"] = true, },\n' in text
    assert "forwarders = nil" in text


def test_exceptions_are_words_of_lua() -> None:
    chosen = {
        "ownDomains": "reject",
        "lists": ["lists.example"],
        "forwarders": ["192.0.2.0/24"],
        "arcSealers": ["sealer.example"],
    }
    # A name of one label would be no domain.
    with pytest.raises(SettingsError, match=r"spamFilter\.dmarc\.lists"):
        settings(spamFilter={"dmarc": {**chosen, "lists": ['x"] = true, ["y']}})
    chosen |= {"lists": ["lists.example.test"], "arcSealers": ["sealer.example.test"]}
    text = rspamd.dmarc(settings(spamFilter={"dmarc": chosen}))
    assert '  ours = "reject",\n' in text
    assert 'lists = { ["lists.example.test"] = true, }' in text
    assert 'sealers = { ["sealer.example.test"] = true, }' in text
    assert 'data = { "192.0.2.0/24" }' in text


@pytest.mark.parametrize("seconds", [4, 20, 21, 60])
def test_a_stuck_worker_is_ended_before_postfix_gives_up_the_messages_that_wait_for_it(
    seconds: int,
) -> None:
    wanted = settings(spamFilter={"scanTimeoutSeconds": seconds})
    values = dict(re.findall(r"^(heart\w+) = (\d+)s?;$", rspamd.options(wanted), re.MULTILINE))
    look, lost = 2 * int(values["heartbeat_interval"]), int(values["heartbeats_loss_max"])
    assert look * (lost + 2) >= seconds, "a scan that may still end is cut off"
    text = main_cf.sections(wanted, "mx1", milters=["a/b.sock"])["90-milter.cf"]
    (patience,) = re.findall(r"^milter_content_timeout = (\d+)s$", text, re.MULTILINE)
    assert look * (lost + 3) < int(patience), "mail is refused that another worker would scan"


def test_a_message_that_takes_long_holds_up_no_session_but_its_own() -> None:
    """A proxy that scans itself keeps each session waiting that Postfix has begun with it."""
    files = rspamd.local_d(settings(), "mx1")
    assert "self_scan = no;" in files["worker-proxy.inc"]
    assert f'hosts = "{rspamd.SCANNERS}";' in files["worker-proxy.inc"]
    assert f'bind_socket = "{rspamd.SCANNERS} mode=0600";' in files["worker-normal.inc"]
    scanners = int(files["worker-normal.inc"].partition("count = ")[2].partition(";")[0])
    assert scanners > 6, "six poisoned messages at once leave none for others"


@pytest.mark.parametrize("debian", [12, 13])
def test_few_clients_cannot_hold_all_sessions(debian: int) -> None:
    values = mapping()
    values["hosts"]["mx1"]["debian"] = debian
    values["postfix"] = {"smtpdProcesses": 150, "clientConnections": 21, "postscreen": {}}
    values["postfix"]["postscreen"]["enabled"] = True
    wanted = from_mapping(values)
    text = main_cf.sections(wanted, "mx1")["80-restrictions.cf"]
    assert "smtpd_client_connection_count_limit = 21\n" in text
    assert "postscreen_pre_queue_limit = 150\n" in text
    assert "postscreen_post_queue_limit = 150\n" in text
    # Postfix 3.7 counts each address of IPv6 by itself.
    assert ("smtpd_client_ipv6_prefix_length = 64\n" in text) == (debian == 13)
    smtpd = [line.split() for line in master_cf.master_cf(wanted).splitlines() if "smtpd" in line]
    assert [line[6] for line in smtpd] == ["150"]


def test_a_share_that_lets_a_few_clients_hold_all_sessions_is_refused() -> None:
    wrong = "postfix.clientConnections: 41 is more than a fifth of postfix.smtpdProcesses (200)"
    with pytest.raises(SettingsError, match=re.escape(wrong)):
        settings(postfix={"clientConnections": 41})
