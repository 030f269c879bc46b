"""Rules about protocols and cipher suites of TLS.

Sources: TLS_README, tls_proto_mask_lims(), NCSC-NL guidelines of 2025-05.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from components.audit.model import Finding, MainCf
from components.postconf.syntax import words as split
from components.postconf.types import protocols as fault

_ORDER = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_OLD = {"SSLv2", "SSLv3", "TLSv1", "TLSv1.1"}
_STATIC_RSA = re.compile(r"(AES(128|256)(-GCM)?-SHA(256|384)?|AES(128|256)-CCM8?|CAMELLIA\S*)")
_BROKEN = re.compile(r"(DES-CBC3|3DES|RC4|MD5|EXP(ORT)?|\bLOW\b|SEED|IDEA|aNULL|eNULL|ADH|AECDH)")


_HEX = {0x300: "SSLv3", 0x301: "TLSv1", 0x302: "TLSv1.1", 0x303: "TLSv1.2", 0x304: "TLSv1.3"}


def _named(word: str) -> str | None:
    """A protocol by its name in any case, or by its number in hex; None when it is neither."""
    for name in _ORDER:
        if word.lower() == name.lower():
            return name
    return _HEX.get(int(word, 16)) if re.fullmatch(r"(0[xX])?[0-9A-Fa-f]{1,4}", word) else None


def allowed(words: list[str]) -> set[str]:
    """Protocols that a value of *_tls_protocols lets in.

    A protocol that is named without "!" excludes all that are not named (tls_proto_mask_lims()).
    """
    result = set(_ORDER[1:])
    included = {name for word in words if (name := _named(word)) is not None}
    if included:
        result = included
    for word in words:
        bare = word.lstrip("!<>=")
        name = _named(bare)
        if name is None:
            continue
        at = _ORDER.index(name)
        if word.startswith("!"):
            result.discard(name)
        elif word.startswith(">="):
            result &= set(_ORDER[at:])
        elif word.startswith("<="):
            result &= set(_ORDER[: at + 1])
    return result


def protocols(main: MainCf) -> Iterable[Finding]:
    """Floors that are too low, and lists that shut TLS 1.3 out."""
    for side in ("smtpd", "smtp", "lmtp"):
        for name in (f"{side}_tls_protocols", f"{side}_tls_mandatory_protocols"):
            words = split(main.own(name), ", \t\r\n:")
            if name not in main or not words or fault(main.value(name)) is not None:
                continue
            got = allowed(words)
            if "TLSv1.3" not in got:
                yield main.finding(
                    name,
                    "dangerous",
                    "TLS 1.3 is off: "
                    + (
                        "it is excluded by name"
                        if any(one.lower() == "!tlsv1.3" for one in words)
                        else "a protocol named without ! excludes all that are not named"
                        if any(one[0] not in "!<>" for one in words)
                        else "the highest protocol, or an exclusion, leaves it out"
                    ),
                    "Write >=TLSv1.2.",
                    "medium",
                    ">=TLSv1.2",
                )
            # Opportunistic TLS of a client: an old protocol is better than none.
            if got & _OLD and name not in ("smtp_tls_protocols", "lmtp_tls_protocols"):
                old = ", ".join(sorted(got & _OLD))
                yield main.finding(
                    name,
                    "dangerous",
                    f"lets {old} in (RFC 8996 forbids them; tests of mail servers fail on it)",
                    "Write >=TLSv1.2.",
                    "medium",
                    ">=TLSv1.2",
                )


def ciphers(main: MainCf) -> Iterable[Finding]:
    """Cipher lists with broken suites, without forward secrecy, or without ECDSA."""
    for grade in ("low", "medium", "high", "null", "export"):
        name = f"tls_{grade}_cipherlist"
        if name not in main:
            continue
        words = split(main.own(name), ":, \t\r\n")
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
                    "Remove the line: Postfix's own list is best. If a rule obliges you to "
                    "have one, keep the ECDHE suites with AES-GCM or CHACHA20.",
                    "medium",
                )
        if {"!ECDSA", "!aECDSA", "-ECDSA", "-aECDSA"} & set(words):
            yield main.finding(
                name,
                "dangerous",
                "excludes ECDSA: an ECDSA certificate can never be used",
                "Remove that word.",
            )
    for side in ("smtpd", "smtp"):
        for name in (f"{side}_tls_exclude_ciphers", f"{side}_tls_mandatory_exclude_ciphers"):
            if {"ALL", "HIGH", "AES"} & set(split(main.own(name), ":, \t\r\n")):
                yield main.finding(
                    name,
                    "dangerous",
                    "excludes nearly every cipher: TLS with most hosts fails",
                    "Name single ciphers, for example aNULL, MD5, RC4.",
                )
        for name in (f"{side}_tls_ciphers", f"{side}_tls_mandatory_ciphers"):
            if main.own(name) in ("low", "export") and main.at_least("3.8"):
                yield main.finding(
                    name,
                    "obsolete",
                    f"the grade {main.value(name)} means medium since Postfix 3.8",
                    "Write medium or high.",
                )


RULES = (protocols, ciphers)
