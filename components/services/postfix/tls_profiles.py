"""TLS profiles as data: what a server or a client of ours may agree on.

Sources: NCSC-NL, IT Security Guidelines for Transport Layer Security, 2025-05; Mozilla, Server
Side TLS 6.0; postconf(5). Key exchange over finite fields (DHE) is in none of the strict ones.
"""

from __future__ import annotations

from dataclasses import dataclass

SIX_SUITES = (
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
)
"""Mozilla's intermediate suites of TLS 1.2; all of them are "good" or "sufficient" to NCSC."""

SIGNATURES = (
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:"
    "RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512"
)
"""Without SHA-1, which OpenSSL still signs with when a client of TLS 1.2 offers nothing else."""

CLASSICAL_GROUPS = "X25519 prime256v1 secp384r1"


@dataclass(frozen=True)
class Profile:
    """One level of TLS; what is None stays at the default of Postfix."""

    protocols: str
    """Floor for opportunistic TLS; mandatory TLS is never below TLS 1.2."""
    grade: str
    """Cipher grade of postconf(5); `high` stands for SIX_SUITES here."""
    ml_kem: str = ""
    """Hybrid groups that come first where OpenSSL has them (3.5, Debian 13)."""
    groups: str | None = None
    signatures: str | None = None


PROFILES = {
    "ncsc-2025": Profile(
        protocols=">=TLSv1.2",
        grade="high",
        ml_kem="X25519MLKEM768 SecP256r1MLKEM768 SecP384r1MLKEM1024",
        groups=CLASSICAL_GROUPS,
        signatures=SIGNATURES,
    ),
    "mozilla-6.0-intermediate": Profile(
        protocols=">=TLSv1.2",
        grade="high",
        ml_kem="X25519MLKEM768",
        groups=CLASSICAL_GROUPS,
    ),
    # Old peers get old TLS instead of plaintext (RFC 7435).
    "compat": Profile(protocols=">=TLSv1", grade="medium"),
}


def groups(profile: Profile, version: str) -> str | None:
    """Key exchange groups of a profile for a version of Postfix; None for Postfix's own."""
    if profile.groups is None:
        return None
    return f"{profile.ml_kem} {profile.groups}".strip() if version == "3.10" else profile.groups


def openssl_cnf(profile: Profile) -> str | None:
    """config(5) of OpenSSL for tls_config_file; None when the profile needs none.

    It holds for both directions: Postfix reads one file. A receiver that can sign with SHA-1
    only fails the handshake and is then reached as one without TLS.
    """
    if profile.signatures is None:
        return None
    return (
        "# Baseline of OpenSSL for Postfix, named by tls_config_file and tls_config_name.\n"
        "postfix = postfix_settings\n\n"
        "[postfix_settings]\n"
        "ssl_conf = postfix_ssl\n\n"
        "[postfix_ssl]\n"
        "system_default = postfix_baseline\n\n"
        "[postfix_baseline]\n"
        f"SignatureAlgorithms = {profile.signatures}\n"
    )
