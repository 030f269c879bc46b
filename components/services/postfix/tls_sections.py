"""The three TLS sections of main.cf, from a profile each for server and client.

Sources: postconf(5), TLS_README, RFC 7435, RFC 7672, RFC 8461 section 2 (DANE wins).
"""

from __future__ import annotations

from components.services.postfix import sql_maps, tls_profiles
from components.services.postfix.parameters import Parameter as P
from components.services.postfix.tls_profiles import PROFILES
from components.settings.postfix import TlsSettings

OPENSSL_CNF = "/etc/postfix/tls/openssl.cnf"


def tls(settings: TlsSettings, version: str) -> list[P]:
    """What server and client share: cipher lists, groups, OpenSSL's baseline."""
    profile = PROFILES[settings.server_profile]
    parameters = [
        P(
            "tls_high_cipherlist",
            tls_profiles.SIX_SUITES,
            "The grade `high` in this file: forward secrecy and authenticated encryption, no DHE.",
        ),
        P(
            "tls_preempt_cipherlist",
            "no",
            "The client chooses a cipher, because all of them are good.",
        ),
    ]
    groups = tls_profiles.groups(profile, version)
    if groups is not None:
        parameters.append(
            P(
                "tls_eecdh_auto_curves",
                groups,
                "Key exchange groups, the preferred first. ML-KEM needs OpenSSL 3.5.",
            )
        )
        if version != "3.7":
            parameters.append(P("tls_ffdhe_auto_groups", "", "No key exchange over finite fields."))
    if version == "3.7":
        parameters.append(
            P(
                "tls_ssl_options",
                "NO_COMPRESSION, NO_RENEGOTIATION",
                "No compression (CRIME), no renegotiation by clients (off in later Postfix).",
            )
        )
    else:
        parameters.append(P("tls_ssl_options", "NO_COMPRESSION", "No compression (CRIME)."))
    if profile.signatures is not None:
        parameters += [
            P(
                "tls_config_file",
                OPENSSL_CNF,
                "This file allows no SHA-1 in signatures of TLS 1.2.",
            ),
            P("tls_config_name", "postfix", "The name of the settings in that file."),
        ]
    return parameters


def tls_client(settings: TlsSettings, report_socket: str | None, lmtp: bool = False) -> list[P]:
    """Outbound: DANE, else TLS where it is offered; policies are in the section Transport.

    `report_socket`: the collector's for TLS reports, below the queue directory; None without one.
    """
    profile = PROFILES[settings.client_profile]
    parameters = [
        P(
            "smtp_tls_security_level",
            "dane",
            "DANE where a signed zone has TLSA records (RFC 7672), else TLS where it is offered.",
        ),
        P(
            "smtp_dns_support_level",
            "dnssec",
            "Postfix uses the DNSSEC result of the resolver; DANE needs it.",
        ),
        P(
            "smtp_tls_dane_insecure_mx_policy",
            "dane",
            "TLSA records of an MX host count even if the MX record is not signed.",
        ),
        P(
            "smtp_tls_CAfile",
            settings.ca_file,
            "The authorities that MTA-STS and `secure` policies trust.",
        ),
        P(
            "smtp_tls_protocols",
            profile.protocols,
            "For opportunistic TLS. With a higher version old servers would get plaintext.",
        ),
        P("smtp_tls_mandatory_protocols", ">=TLSv1.2", "For DANE and MTA-STS."),
        P("smtp_tls_ciphers", profile.grade, "The cipher grade for opportunistic TLS."),
        P("smtp_tls_mandatory_ciphers", profile.grade, "The grade for DANE and MTA-STS."),
        P(
            "smtp_tls_session_cache_database",
            "lmdb:${data_directory}/smtp_scache",
            "Postfix resumes TLS sessions from this cache.",
        ),
        P(
            "smtp_tls_note_starttls_offer",
            "yes",
            "Log servers that offer TLS when Postfix uses none.",
        ),
        P("smtp_tls_loglevel", "1", "One line for each session: protocol, cipher, verified."),
    ]
    if report_socket is not None:
        parameters += [
            P("smtp_tlsrpt_enable", "yes", "Report TLS sessions to the collector (RFC 8460)."),
            P(
                "smtp_tlsrpt_socket_name",
                report_socket,
                "The socket of the collector. Mail does not wait for it.",
            ),
        ]
    return parameters + (_lmtp(settings, profile) if lmtp else [])


def _lmtp(settings: TlsSettings, profile: tls_profiles.Profile) -> list[P]:
    """The same for mailbox hosts with `protocol: lmtp`: lmtp(8) has parameters of its own."""
    return [
        P(
            "lmtp_tls_security_level",
            "dane",
            "The same as smtp_tls_security_level, for mailbox hosts.",
        ),
        P("lmtp_dns_support_level", "dnssec", "DANE needs it."),
        P(
            "lmtp_tls_policy_maps",
            sql_maps.table("tls_policy"),
            "The policies of postfix.tlsPolicies; MTA-STS is for SMTP only.",
        ),
        P("lmtp_tls_CAfile", settings.ca_file, "The authorities that `secure` policies trust."),
        P("lmtp_tls_protocols", profile.protocols, "Floor of opportunistic TLS."),
        P("lmtp_tls_mandatory_protocols", ">=TLSv1.2", "With DANE or a policy."),
        P("lmtp_tls_ciphers", profile.grade, "Grade for opportunistic TLS."),
        P("lmtp_tls_mandatory_ciphers", profile.grade, "Grade with DANE or a policy."),
        P("lmtp_tls_note_starttls_offer", "yes", "Log hosts that offer TLS and did not get it."),
        P("lmtp_tls_loglevel", "1", "One line a session."),
    ]


def tls_server(settings: TlsSettings, chain_files: list[str]) -> list[P]:
    """Inbound: STARTTLS for everyone, with the certificates in `chain_files`.

    Each file holds a key and its chain (postconf(5), smtpd_tls_chain_files).
    """
    profile = PROFILES[settings.server_profile]
    return [
        P(
            "smtpd_tls_security_level",
            "may",
            "An MX offers TLS and must not require it (RFC 3207).",
        ),
        P(
            "smtpd_tls_chain_files",
            ", ".join(chain_files),
            "Key and chain of each algorithm. A sender gets a chain that it can verify.",
        ),
        P("smtpd_tls_auth_only", "yes", "If AUTH is ever on, passwords need TLS."),
        P(
            "smtpd_tls_protocols",
            profile.protocols,
            "The oldest version of postfix.tls.serverProfile.",
        ),
        P(
            "smtpd_tls_mandatory_protocols",
            ">=TLSv1.2",
            "The oldest version where TLS is required.",
        ),
        P("smtpd_tls_ciphers", profile.grade, "The cipher grade of postfix.tls.serverProfile."),
        P("smtpd_tls_mandatory_ciphers", profile.grade, "The cipher grade where TLS is required."),
        P("smtpd_tls_exclude_ciphers", "aNULL", "No ciphers without a certificate of the server."),
        P("smtpd_tls_received_header", "yes", "The header Received shows protocol and cipher."),
        P("smtpd_tls_loglevel", "1", "One line for each session."),
    ]
