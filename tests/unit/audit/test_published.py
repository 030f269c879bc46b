"""Settings that projects publish, rebuilt: every finding was reviewed."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.audit import audit

FIXTURES = Path(__file__).parent / "fixtures"

EXPECTED: dict[str, set[tuple[str, str]]] = {
    "seed": {
        ("smtp_client_restrictions", "misspelled"),
        ("smtp_client_restrictions", "dangerous"),
        ("smtp_sender_restrictions", "misspelled"),
        ("compatibility_level", "obsolete"),
        ("alias_database", "obsolete"),
        ("tls_low_cipherlist", "obsolete"),
        ("tls_low_cipherlist", "dangerous"),
        ("tls_medium_cipherlist", "dangerous"),
        ("tls_ssl_options", "obsolete"),
        ("smtp_tls_policy_maps", "dangerous"),
        ("smtp_tls_mandatory_protocols", "dangerous"),
        ("smtp_tls_ciphers", "obsolete"),
        ("smtp_tls_CApath", "obsolete"),
        ("smtp_tls_chain_files", "obsolete"),
        ("smtpd_tls_protocols", "dangerous"),
        ("smtpd_tls_mandatory_protocols", "dangerous"),
        ("smtpd_tls_ciphers", "obsolete"),
        ("smtpd_tls_eecdh_grade", "obsolete"),
        ("smtpd_tls_dh1024_param_file", "obsolete"),
        ("smtpd_tls_session_cache_database", "obsolete"),
        ("smtpd_tls_ask_ccert", "contradictory"),
        ("smtp_tls_fingerprint_digest", "obsolete"),
        ("smtpd_tls_fingerprint_digest", "obsolete"),
        ("relay_clientcerts", "contradictory"),
        ("smtpd_helo_restrictions", "dangerous"),
        ("smtpd_forbid_bare_newline", "dangerous"),
        ("milter_default_action", "obsolete"),
        ("soft_bounce", "dangerous"),
    },
    "debops": {
        ("smtpd_use_tls", "obsolete"),
        ("smtpd_tls_protocols", "dangerous"),
        ("smtpd_tls_mandatory_protocols", "dangerous"),
        ("smtpd_tls_eecdh_grade", "obsolete"),
        ("smtpd_tls_dh512_param_file", "obsolete"),
        ("smtpd_tls_dh1024_param_file", "obsolete"),
        ("postscreen_blacklist_action", "obsolete"),
    },
    "mail-in-a-box": {
        ("smtpd_tls_protocols", "dangerous"),
        ("tls_medium_cipherlist", "dangerous"),
    },
    "docker-mailserver": {
        ("compatibility_level", "obsolete"),
        ("postscreen_dnsbl_sites", "dangerous"),
    },
    "chatmail": {
        ("smtp_tls_security_level", "dangerous"),
        ("smtpd_forbid_bare_newline", "dangerous"),
        ("virtual_mailbox_domains", "dangerous"),
    },
    "debian": {
        ("smtp_tls_session_cache_database", "obsolete"),
        ("smtpd_forbid_bare_newline", "dangerous"),
    },
    "mailcow": {
        ("milter_default_action", "obsolete"),
        ("postscreen_dnsbl_sites", "dangerous"),
        ("submission_smtpd_tls_mandatory_protocols", "unknown"),
    },
    "isp": {
        ("compatibility_level", "obsolete"),
        ("message_size_limit", "contradictory"),
        ("smtpd_client_restrictions", "dangerous"),
        ("smtpd_forbid_bare_newline", "dangerous"),
        ("smtpd_sasl_auth_enable", "dangerous"),
        ("smtpd_use_tls", "obsolete"),
        ("virtual_alias_maps", "obsolete"),
    },
    "relay-host": set(),
    "filters": {
        ("milter_default_action", "dangerous"),
        ("tls_high_cipherlist", "dangerous"),
    },
}


@pytest.mark.parametrize("name", EXPECTED)
def test_published_settings(name: str) -> None:
    found = audit((FIXTURES / f"{name}.cf").read_text())
    assert {(one.parameter, one.kind) for one in found} == EXPECTED[name]


def test_each_finding_is_at_its_line() -> None:
    text = (FIXTURES / "seed.cf").read_text()
    lines = text.splitlines()
    for one in audit(text):
        if one.line:
            assert lines[one.line - 1].startswith(one.parameter)
        else:
            assert one.parameter == "smtpd_forbid_bare_newline"


def test_tls_1_3_shut_out_by_a_positive_name() -> None:
    reasons = [one.reason for one in audit((FIXTURES / "debops.cf").read_text())]
    assert len([reason for reason in reasons if "TLS 1.3 is off" in reason]) == 2
    assert len([reason for reason in reasons if "lets TLSv1.1 in" in reason]) == 2
