"""Rules about TLS. Sources: TLS_README, RFC 7672, RFC 8461, NCSC-NL guidelines of 2025-05."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.audit.model import Finding, MainCf

_ORDER = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_OLD = {"SSLv2", "SSLv3", "TLSv1", "TLSv1.1"}
_STATIC_RSA = re.compile(r"(AES(128|256)(-GCM)?-SHA(256|384)?|AES(128|256)-CCM8?|CAMELLIA\S*)")
_BROKEN = re.compile(r"(DES-CBC3|3DES|RC4|MD5|EXP(ORT)?|\bLOW\b|SEED|IDEA|aNULL|eNULL|ADH|AECDH)")


def allowed(words: list[str]) -> set[str]:
    """Protocols that a value of *_tls_protocols lets in.

    A protocol that is named without "!" excludes all that are not named (postconf(5)).
    """
    result = set(_ORDER[1:])
    included = [word for word in words if word in _ORDER]
    if included:
        result = set(included)
    for word in words:
        if word.startswith("!"):
            result.discard(word[1:])
        elif word.startswith(">=") and word[2:] in _ORDER:
            result &= set(_ORDER[_ORDER.index(word[2:]) :])
        elif word.startswith("<=") and word[2:] in _ORDER:
            result &= set(_ORDER[: _ORDER.index(word[2:]) + 1])
    return result


def protocols(main: MainCf) -> Iterable[Finding]:
    """Floors that are too low, and lists that shut TLS 1.3 out."""
    for side in ("smtpd", "smtp", "lmtp"):
        for name in (f"{side}_tls_protocols", f"{side}_tls_mandatory_protocols"):
            words = main.words(name)
            if name not in main or not words:
                continue
            got = allowed(words)
            if "TLSv1.3" not in got:
                yield main.finding(
                    name,
                    "dangerous",
                    "TLS 1.3 is off: a protocol named without ! excludes all that are not named",
                    "Write >=TLSv1.2.",
                )
            # Opportunistic TLS of a client: an old protocol is better than none.
            if got & _OLD and name not in ("smtp_tls_protocols", "lmtp_tls_protocols"):
                old = ", ".join(sorted(got & _OLD))
                yield main.finding(
                    name,
                    "dangerous",
                    f"lets {old} in (RFC 8996 forbids them; tests of mail servers fail on it)",
                    "Write >=TLSv1.2.",
                )


def ciphers(main: MainCf) -> Iterable[Finding]:
    """Cipher lists with broken suites, without forward secrecy, or without ECDSA."""
    for grade in ("low", "medium", "high", "null", "export"):
        name = f"tls_{grade}_cipherlist"
        if name not in main:
            continue
        words = [word for word in re.split(r"[:,\s]+", main.value(name)) if word]
        on = [word for word in words if word[0] not in "!-+@"]
        broken = [word for word in on if _BROKEN.search(word)]
        static = [word for word in on if _STATIC_RSA.fullmatch(word) or word in ("kRSA", "RSA")]
        dhe = [word for word in on if word.startswith(("DHE-", "EDH-")) or word in ("kEDH", "kDHE")]
        for found, what in (
            (broken, "broken or anonymous"),
            (static, "without forward secrecy"),
            (dhe, "finite-field DHE, which guidelines phase out"),
        ):
            if found:
                more = f" and {len(found) - 3} more" if len(found) > 3 else ""
                yield main.finding(
                    name,
                    "dangerous",
                    f"has suites that are {what}: {', '.join(found[:3])}{more}",
                    "Keep the ECDHE suites with AES-GCM or CHACHA20.",
                )
        if {"!ECDSA", "!aECDSA", "-ECDSA", "-aECDSA"} & set(words):
            yield main.finding(
                name,
                "dangerous",
                "shuts ECDSA out: an ECDSA certificate can never be used",
                "Remove that word.",
            )
    for side in ("smtpd", "smtp"):
        for name in (f"{side}_tls_ciphers", f"{side}_tls_mandatory_ciphers"):
            if main.value(name) in ("low", "export") and main.newer():
                yield main.finding(
                    name,
                    "obsolete",
                    f"the grade {main.value(name)} means medium since Postfix 3.8",
                    "Write medium or high.",
                )


def client_certificates(main: MainCf) -> Iterable[Finding]:
    """Settings for client certificates that nothing uses."""
    used = {word for _, word, _ in main.restrictions()}
    if used & {"permit_tls_clientcerts", "permit_tls_all_clientcerts", "check_ccert_access"}:
        return
    if main.value("relay_clientcerts"):
        yield main.finding(
            "relay_clientcerts",
            "contradictory",
            "no restriction list has permit_tls_clientcerts: the table is never looked at",
            "Add it to smtpd_relay_restrictions, or remove the table.",
        )
    if main.is_on("smtpd_tls_ask_ccert"):
        yield main.finding(
            "smtpd_tls_ask_ccert",
            "contradictory",
            "the whole world is asked for certificates that no restriction looks at",
            "Remove it; some clients give up when they are asked.",
        )
    for name in ("smtp_tls_chain_files", "smtp_tls_cert_file"):
        if main.value(name):
            yield main.finding(
                name,
                "obsolete",
                "public certificates are no client certificates any more (clientAuth is gone)",
                "Remove it, or use a key of your own with its fingerprint at the other end.",
            )


def outbound(main: MainCf) -> Iterable[Finding]:
    """DANE that cannot work, and MTA-STS that overrides it."""
    level = main.value("smtp_tls_security_level")
    if level.startswith("dane") and main.value("smtp_dns_support_level") != "dnssec":
        yield main.finding(
            "smtp_tls_security_level",
            "contradictory",
            "DANE without smtp_dns_support_level = dnssec looks up no TLSA record",
            "Set smtp_dns_support_level = dnssec, and use a validating resolver on this host.",
        )
    for word in main.words("smtp_tls_policy_maps"):
        if re.match(r"socketmap:\S*(:8461:|mta-?sts)\S*", word) or word.endswith(":postfix"):
            yield main.finding(
                "smtp_tls_policy_maps",
                "dangerous",
                f"{word}: an MTA-STS policy from here replaces DANE, against RFC 8461",
                "Ask a service that puts DANE first, for example postfix-tlspol.",
            )
    if main.value("smtp_tls_CApath") and main.value("smtp_tls_CAfile"):
        yield main.finding(
            "smtp_tls_CApath",
            "obsolete",
            "the same roots twice; the directory would have to be copied into the chroot",
            "Keep smtp_tls_CAfile, which is read before the chroot.",
        )


def options(main: MainCf) -> Iterable[Finding]:
    """Settings of OpenSSL that are the default, or that are best left alone."""
    superfluous = {"NO_SESSION_RESUMPTION_ON_RENEGOTIATION"}
    if main.newer():
        superfluous.add("NO_RENEGOTIATION")
    for word in main.words("tls_ssl_options"):
        if word.upper() in superfluous:
            yield main.finding(
                "tls_ssl_options",
                "obsolete",
                f"{word} does nothing that Postfix 3.8 and OpenSSL 3 do not do by themselves",
                "Keep NO_COMPRESSION at most.",
            )
    for side in ("smtpd", "smtp", "lmtp"):
        name = f"{side}_tls_fingerprint_digest"
        digest = main.value(name)
        if digest in ("md5", "sha1"):
            yield main.finding(name, "dangerous", f"{digest} is broken", "Write sha256.")
        elif digest == "sha256":
            yield main.finding(
                name, "obsolete", "the default at compatibility_level 3.6", "Remove the line."
            )
    if main.value("smtpd_tls_session_cache_database"):
        yield main.finding(
            "smtpd_tls_session_cache_database",
            "obsolete",
            "session tickets, which are on, need no cache on the server",
            "Remove the line.",
        )
    if main.value("smtpd_tls_security_level") == "encrypt":
        yield main.finding(
            "smtpd_tls_security_level",
            "dangerous",
            "senders without TLS cannot reach an MX that requires it (RFC 3207 section 4)",
            "Write may here; encrypt belongs to the submission services in master.cf.",
        )
    if main.is_on("smtpd_sasl_auth_enable") and not main.is_on("smtpd_tls_auth_only"):
        yield main.finding(
            "smtpd_sasl_auth_enable",
            "dangerous",
            "passwords are accepted without TLS",
            "Set smtpd_tls_auth_only = yes; an MX needs no AUTH on port 25 at all.",
        )


RULES = (protocols, ciphers, client_certificates, outbound, options)
