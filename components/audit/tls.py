"""Rules about TLS. Sources: TLS_README, RFC 7672, RFC 8461."""

from __future__ import annotations

import re
from collections.abc import Iterable

from components.audit.model import Finding, MainCf
from components.postconf.syntax import words as split


def client_certificates(main: MainCf) -> Iterable[Finding]:
    """Settings for client certificates that nothing uses."""
    used = {step.name for _, step in main.restrictions()}
    if used & {"permit_tls_clientcerts", "permit_tls_all_clientcerts", "check_ccert_access"}:
        return
    if main.own("relay_clientcerts"):
        yield main.finding(
            "relay_clientcerts",
            "contradictory",
            "no restriction list has permit_tls_clientcerts: the table is never looked at",
            "Add it to smtpd_relay_restrictions, or remove the table.",
        )
    if "smtpd_tls_ask_ccert" in main and main.is_on("smtpd_tls_ask_ccert"):
        yield main.finding(
            "smtpd_tls_ask_ccert",
            "contradictory",
            "the whole world is asked for certificates that no restriction looks at",
            "Remove it; some clients give up when they are asked.",
        )
    for name in ("smtp_tls_chain_files", "smtp_tls_cert_file"):
        if main.own(name):
            yield main.finding(
                name,
                "obsolete",
                "public authorities no longer issue client certificates (clientAuth is gone)",
                "Remove it, or use a key of your own with its fingerprint at the other end.",
            )


def outbound(main: MainCf) -> Iterable[Finding]:
    """DANE that cannot work, MTA-STS that overrides it, levels that most of the world has not."""
    name = "smtp_tls_security_level"
    level = main.own(name).lower()
    if level.startswith("dane") and main.value("smtp_dns_support_level") != "dnssec":
        yield main.finding(
            name,
            "contradictory",
            "DANE without smtp_dns_support_level = dnssec looks up no TLSA record",
            "Set smtp_dns_support_level = dnssec, and use a validating resolver on this host.",
        )
    if level in ("encrypt", "verify", "secure", "dane-only") and not main.value("relayhost"):
        yield main.finding(
            name,
            "dangerous",
            f"{level} for every destination: mail to domains without it waits and bounces",
            "Write may or dane, and require more for single domains in smtp_tls_policy_maps.",
        )
    for word in main.words("smtp_tls_policy_maps"):
        if re.match(r"socketmap:\S*(:8461:|mta-?sts)\S*", word) or word.endswith(":postfix"):
            yield main.finding(
                "smtp_tls_policy_maps",
                "dangerous",
                f"{word}: an MTA-STS policy from here replaces DANE, against RFC 8461",
                "Ask a service that puts DANE first, for example postfix-tlspol.",
            )
    if main.own("smtp_tls_CApath") and main.own("smtp_tls_CAfile"):
        yield main.finding(
            "smtp_tls_CApath",
            "obsolete",
            "the same roots twice; the directory would have to be copied into the chroot",
            "Keep smtp_tls_CAfile, which is read before the chroot.",
        )


def options(main: MainCf) -> Iterable[Finding]:
    """Settings of OpenSSL that are the default, or that are best left alone."""
    superfluous = {"NO_SESSION_RESUMPTION_ON_RENEGOTIATION": "Keep NO_COMPRESSION at most."}
    if main.at_least("3.8"):
        superfluous["NO_RENEGOTIATION"] = (
            "From Postfix 3.8 on, keep NO_COMPRESSION at most; an older one needs the word."
            if main.older_than("3.8")
            else "Keep NO_COMPRESSION at most."
        )
    for word in main.words("tls_ssl_options"):
        if word.upper() in superfluous:
            yield main.finding(
                "tls_ssl_options",
                "obsolete",
                f"{word} does nothing that Postfix 3.8 and OpenSSL 3 do not do by themselves",
                superfluous[word.upper()],
            )
    for side in ("smtpd", "smtp", "lmtp"):
        name = f"{side}_tls_fingerprint_digest"
        digest = main.own(name)
        if digest in ("md5", "sha1"):
            yield main.finding(name, "dangerous", f"{digest} is broken", "Write sha256.")
        elif digest == "sha256":
            yield main.finding(
                name,
                "obsolete",
                "the default at compatibility_level 3.6",
                "From that level on, remove the line; below it the default is md5.",
            )
    if main.own("smtpd_tls_session_cache_database"):
        yield main.finding(
            "smtpd_tls_session_cache_database",
            "obsolete",
            "session tickets, which are on, need no cache on the server",
            "Remove the line.",
            replacement="",
        )


def certificate(main: MainCf) -> Iterable[Finding]:
    """TLS without a certificate. Only for a whole configuration: a part of one may leave it out."""
    name = "smtpd_tls_security_level"
    level = main.value(name).lower()
    files = ("chain_files", "cert_file", "eccert_file", "dcert_file")
    has_one = any(main.value(f"smtpd_tls_{one}") for one in files)
    if name in main and level not in ("", "none") and not has_one:
        yield main.finding(
            name,
            "contradictory",
            "there is no certificate: TLS is not offered"
            + ("" if level == "may" else ", and nobody can send without it"),
            "Set smtpd_tls_chain_files to the key and the certificates.",
            "medium" if level == "may" else "high",
        )


def anonymous(main: MainCf) -> Iterable[Finding]:
    """Logins without a name."""
    name = "smtpd_sasl_security_options"
    options = split(main.value(name).lower())
    if main.is_on("smtpd_sasl_auth_enable") and name in main and "noanonymous" not in options:
        yield main.finding(
            name,
            "dangerous",
            "without noanonymous a stranger can log in without a name if the SASL service "
            "offers ANONYMOUS, and permit_sasl_authenticated makes this an open relay",
            "Add noanonymous.",
        )


def everybody_signed(main: MainCf) -> Iterable[Finding]:
    """Relaying for every client with any certificate."""
    for name, step in main.restrictions():
        if step.name == "permit_tls_all_clientcerts":
            bundle = main.is_on("tls_append_default_CA") or re.search(
                r"/(ca-certificates\.crt|ca-bundle\.crt|cert\.pem)$|^/etc/ssl/certs/?$",
                main.own("smtpd_tls_CAfile") or main.own("smtpd_tls_CApath"),
            )
            yield main.finding(
                name,
                "dangerous",
                "permit_tls_all_clientcerts lets everybody pass who has a certificate of"
                + (" a public authority: an open relay" if bundle else " any trusted authority"),
                "Write permit_tls_clientcerts, and list fingerprints in relay_clientcerts.",
                "critical" if bundle else "medium",
            )


def server(main: MainCf) -> Iterable[Finding]:
    """TLS of the server on port 25: demanded of everybody, or missing where passwords are sent."""
    level = main.value("smtpd_tls_security_level").lower()
    demanded = level not in ("", "none", "may") or main.is_on("smtpd_enforce_tls")
    if demanded and "smtpd_tls_security_level" in main:
        yield main.finding(
            "smtpd_tls_security_level",
            "dangerous",
            "senders without TLS cannot reach an MX that requires it (RFC 3207 section 4)",
            "Write may here; encrypt belongs to the submission services in master.cf.",
        )
    if "smtpd_tls_wrappermode" in main and main.is_on("smtpd_tls_wrappermode"):
        yield main.finding(
            "smtpd_tls_wrappermode",
            "dangerous",
            "port 25 then waits for TLS and sends no greeting: no mail arrives",
            "Remove the line; set it with -o for the service on port 465 in master.cf.",
            "critical",
            "",
        )
    yield from anonymous(main)
    options = split(main.value("smtpd_sasl_security_options").lower())
    covered = demanded or main.is_on("smtpd_tls_auth_only") or "noplaintext" in options
    if "smtpd_sasl_auth_enable" in main and main.is_on("smtpd_sasl_auth_enable") and not covered:
        yield main.finding(
            "smtpd_sasl_auth_enable",
            "dangerous",
            "passwords are accepted without TLS",
            "Set smtpd_tls_auth_only = yes; an MX needs no AUTH on port 25 at all.",
        )


RULES = (client_certificates, outbound, options, everybody_signed, server)
