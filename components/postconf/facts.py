"""Parameters by version: since when, obsolete since when and what replaced them, defaults.

Sources: RELEASE_NOTES of Postfix 3.4 to 3.11, DEPRECATION_README, postconf(5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.postconf.names import known, suggestion


@dataclass(frozen=True)
class Fact:
    """What is to be known of one parameter; versions as "3.9"."""

    since: str | None = None
    obsolete: str | None = None
    """The version that began to warn, or that made the parameter do nothing."""
    instead: str = ""
    """The remedy, as the end of a sentence."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Version to default, where the difference matters."""
    backported: str = ""
    """Patch levels of older versions that have it too."""


def at_least(version: str, other: str) -> bool:
    """Compare versions: 3.10 comes after 3.9."""
    first, second = ([int(part) for part in text.split(".")] for text in (version, other))
    return first >= second


def _renamed(since: str, new: str) -> Fact:
    return Fact(obsolete=since, instead=f"write {new}")


_LEVEL = "write {0}_tls_security_level = {1}"

FACTS: dict[str, Fact] = {
    # New since Postfix 3.4, which the seed ran.
    "smtpd_tls_chain_files": Fact(since="3.4"),
    "smtp_tls_chain_files": Fact(since="3.4"),
    "tls_server_sni_maps": Fact(since="3.4"),
    "smtpd_relay_before_recipient_restrictions": Fact(since="3.6"),
    "smtp_tls_dane_insecure_mx_policy": Fact(since="3.1", defaults={"3.10": "dane"}),
    "postscreen_denylist_action": Fact(since="3.6"),
    "postscreen_dnsbl_allowlist_threshold": Fact(since="3.6"),
    "postscreen_allowlist_interfaces": Fact(since="3.6"),
    "known_tcp_ports": Fact(since="3.6"),
    "smtpd_per_request_deadline": Fact(since="3.7"),
    "smtpd_min_data_rate": Fact(since="3.7"),
    "smtpd_client_ipv4_prefix_length": Fact(since="3.8"),
    "smtpd_client_ipv6_prefix_length": Fact(since="3.8"),
    "use_srv_lookup": Fact(since="3.8"),
    "ignore_srv_lookup_error": Fact(since="3.8"),
    "tls_ffdhe_auto_groups": Fact(since="3.8", defaults={"3.10": "ffdhe2048 ffdhe3072"}),
    "smtpd_forbid_bare_newline": Fact(
        since="3.9",
        backported="3.8.5, 3.7.10, 3.6.14, 3.5.24",
        defaults={"3.7": "no", "3.10": "normalize"},
    ),
    "smtpd_forbid_bare_newline_exclusions": Fact(since="3.9", backported="3.8.4, 3.7.9"),
    "smtpd_forbid_unauth_pipelining": Fact(
        since="3.9", backported="3.8.1, 3.7.6", defaults={"3.7": "no", "3.10": "yes"}
    ),
    "cleanup_replace_stray_cr_lf": Fact(since="3.9", backported="3.8.4, 3.7.9"),
    "tls_config_file": Fact(since="3.9", backported="3.8.1, 3.7.6"),
    "tls_config_name": Fact(since="3.9", backported="3.8.1, 3.7.6"),
    "smtpd_tls_enable_rpk": Fact(since="3.9"),
    "smtp_tlsrpt_enable": Fact(since="3.10"),
    "smtp_tlsrpt_socket_name": Fact(since="3.10"),
    "smtp_tlsrpt_skip_reused_handshakes": Fact(since="3.10"),
    "smtp_tls_enforce_sts_mx_patterns": Fact(since="3.10.5"),
    "tls_required_enable": Fact(since="3.10"),
    "requiretls_enable": Fact(since="3.11"),
    "smtp_requiretls_policy": Fact(since="3.11"),
    "smtpd_reject_filter_maps": Fact(since="3.11"),
    "smtp_log_tls_feature_status": Fact(since="3.11"),
    "default_cache_db_type": Fact(since="3.11"),
    "milter_default_action": Fact(since="2.3", defaults={"3.7": "tempfail", "3.10": "shutdown"}),
    "tls_eecdh_auto_curves": Fact(
        since="3.2", defaults={"3.10": "X25519 X448 prime256v1 secp384r1 secp521r1"}
    ),
    # Obsolete.
    "authorized_verp_clients": _renamed("2.6", "smtpd_authorized_verp_clients"),
    "fallback_relay": _renamed("2.3", "smtp_fallback_relay"),
    "virtual_maps": _renamed("2.0", "virtual_alias_maps"),
    "lmtp_per_record_deadline": _renamed("3.7", "lmtp_per_request_deadline"),
    "smtp_per_record_deadline": _renamed("3.7", "smtp_per_request_deadline"),
    "smtpd_per_record_deadline": _renamed("3.7", "smtpd_per_request_deadline"),
    "postscreen_blacklist_action": _renamed("3.6", "postscreen_denylist_action"),
    "postscreen_whitelist_interfaces": _renamed("3.6", "postscreen_allowlist_interfaces"),
    "postscreen_dnsbl_whitelist_threshold": _renamed("3.6", "postscreen_dnsbl_allowlist_threshold"),
    "postscreen_dnsbl_ttl": _renamed("3.1", "postscreen_dnsbl_max_ttl"),
    "smtpd_client_connection_limit_exceptions": _renamed(
        "2.2", "smtpd_client_event_limit_exceptions"
    ),
    "postscreen_use_tls": Fact(obsolete="3.9", instead=_LEVEL.format("postscreen", "may")),
    "postscreen_enforce_tls": Fact(obsolete="3.9", instead=_LEVEL.format("postscreen", "encrypt")),
    "tlsproxy_use_tls": Fact(obsolete="3.9", instead=_LEVEL.format("tlsproxy", "may")),
    "tlsproxy_enforce_tls": Fact(obsolete="3.9", instead=_LEVEL.format("tlsproxy", "encrypt")),
    "tlsproxy_client_use_tls": _renamed("3.9", "tlsproxy_client_security_level"),
    "tlsproxy_client_enforce_tls": _renamed("3.9", "tlsproxy_client_security_level"),
    "tlsproxy_client_per_site": _renamed("3.9", "tlsproxy_client_policy_maps"),
    "tlsproxy_client_level": _renamed("3.4", "tlsproxy_client_security_level"),
    "tlsproxy_client_policy": _renamed("3.4", "tlsproxy_client_policy_maps"),
    "disable_dns_lookups": Fact(
        obsolete="3.9", instead="write smtp_dns_support_level = disabled, or nothing for `no`"
    ),
    "smtpd_use_tls": Fact(obsolete="3.9", instead=_LEVEL.format("smtpd", "may")),
    "smtp_use_tls": Fact(obsolete="3.9", instead=_LEVEL.format("smtp", "may")),
    "lmtp_use_tls": Fact(obsolete="3.9", instead=_LEVEL.format("lmtp", "may")),
    "smtpd_enforce_tls": Fact(obsolete="3.9", instead=_LEVEL.format("smtpd", "encrypt")),
    "smtp_enforce_tls": Fact(obsolete="3.9", instead=_LEVEL.format("smtp", "encrypt")),
    "lmtp_enforce_tls": Fact(obsolete="3.9", instead=_LEVEL.format("lmtp", "encrypt")),
    "smtp_tls_enforce_peername": Fact(obsolete="3.11", instead=_LEVEL.format("smtp", "verify")),
    "lmtp_tls_enforce_peername": Fact(obsolete="3.11", instead=_LEVEL.format("lmtp", "verify")),
    "smtp_tls_per_site": _renamed("3.9", "smtp_tls_policy_maps"),
    "lmtp_tls_per_site": _renamed("3.9", "lmtp_tls_policy_maps"),
    "smtp_cname_overrides_servername": Fact(obsolete="3.11", instead="leave it unset"),
    "lmtp_cname_overrides_servername": Fact(obsolete="3.11", instead="leave it unset"),
    "smtpd_tls_dh1024_param_file": Fact(
        obsolete="3.9", instead="leave it unset; the built-in groups are better than a file"
    ),
    "smtpd_tls_dh512_param_file": Fact(
        obsolete="3.6", instead="leave it unset; export ciphers are gone"
    ),
    "smtpd_tls_eecdh_grade": Fact(
        obsolete="3.9", instead="leave it unset; tls_eecdh_auto_curves chooses the curves"
    ),
    "tls_eecdh_ultra_curve": Fact(
        obsolete="3.6", instead="leave it unset; see smtpd_tls_eecdh_grade"
    ),
    "tls_eecdh_strong_curve": Fact(
        obsolete="3.6", instead="leave it unset; see smtpd_tls_eecdh_grade"
    ),
    "tls_low_cipherlist": Fact(obsolete="3.8", instead="leave it unset; `low` means `medium`"),
    "tls_export_cipherlist": Fact(
        obsolete="3.8", instead="leave it unset; `export` means `medium`"
    ),
    "tls_dane_digest_agility": Fact(obsolete="3.6", instead="leave it unset; always on"),
    "tls_dane_trust_anchor_digest_enable": Fact(obsolete="3.6", instead="leave it unset"),
}


def fault(name: str, version: str) -> str | None:
    """Why a version of Postfix should not be given this parameter; None when it may be."""
    fact = FACTS.get(name, Fact())
    if fact.obsolete is not None and at_least(version, fact.obsolete):
        return f"obsolete since Postfix {fact.obsolete}; {fact.instead}"
    if known(name, version):
        return None
    if fact.since is not None and not at_least(version, fact.since):
        return f"Postfix {version} does not have it; it came with {fact.since}"
    meant = suggestion(name, version)
    hint = f"; did you mean {meant!r}?" if meant else ""
    return f"Postfix {version} has no such parameter{hint}"
