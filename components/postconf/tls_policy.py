"""A TLS policy as smtp(8) reads it from smtp_tls_policy_maps: a level, then attributes.

A policy that smtp(8) cannot use defers all mail to its destination ("client TLS configuration
problem"), and postmap(1) does not look at it. Sources: smtp_tls_policy_maps, postconf(5);
TLS_README; src/smtp/smtp_tls_policy.c of Postfix 3.7 and 3.10.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable

from components.postconf.facts import at_least

LEVELS = ("none", "may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure")
_BY_CERTIFICATE = ("verify", "secure")
_PROTOCOL = r"(SSLv2|SSLv3|TLSv1|TLSv1\.1|TLSv1\.2|TLSv1\.3)"
_PROTOCOLS = re.compile(rf"!?{_PROTOCOL}|[<>]=({_PROTOCOL}|0x[0-9a-fA-F]{{3,4}})")
_NAME = re.compile(r"\.?([A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?\.)+[A-Za-z0-9-]*[A-Za-z]\.?")
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})+")

Check = Callable[[str, str], str | None]


def _ciphers(value: str, level: str) -> str | None:
    known = ("high", "medium", "low", "export", "null")
    return None if value in known else f"must be one of the grades {', '.join(known)}"


def _protocols(value: str, level: str) -> str | None:
    for word in value.split(":"):
        if not _PROTOCOLS.fullmatch(word):
            return (
                f"{word!r}: must be a protocol such as !SSLv3, TLSv1.2 or >=TLSv1.2; separate "
                "several with `:`"
            )
    return None


def _match(value: str, level: str) -> str | None:
    if level == "fingerprint":
        wrong = [word for word in value.split("|") if not _FINGERPRINT.fullmatch(word)]
        return (
            f"{wrong[0]!r} is not a fingerprint, which is hexadecimal pairs separated by `:`"
            if wrong
            else None
        )
    for word in value.split(":"):
        if word not in ("nexthop", "dot-nexthop", "hostname") and not _NAME.fullmatch(word):
            return f"{word!r}: must be nexthop, dot-nexthop, hostname or a domain name"
    return None


def _yes_or_no(value: str, level: str) -> str | None:
    return None if value in ("yes", "no") else "neither yes nor no"


def _path(value: str, level: str) -> str | None:
    return None if value.startswith("/") else "no absolute path"


def _server_name(value: str, level: str) -> str | None:
    if value in ("nexthop", "hostname") or _NAME.fullmatch(value):
        return None
    return "neither nexthop, hostname nor a domain name"


def _anything(value: str, level: str) -> str | None:
    return None


def _number(value: str, level: str) -> str | None:
    return None if value.isdigit() else "no number"


_TLS = LEVELS[1:]
# Attribute: the levels it is for, the version it came with, whether it may be repeated, its check.
ATTRIBUTES: dict[str, tuple[tuple[str, ...], str, bool, Check]] = {
    "ciphers": (_TLS, "2.3", False, _ciphers),
    "protocols": (_TLS, "2.3", False, _protocols),
    "exclude": (_TLS, "2.6", False, _anything),
    "match": (("fingerprint", *_BY_CERTIFICATE), "2.3", True, _match),
    "tafile": (_BY_CERTIFICATE, "2.11", True, _path),
    "servername": (_TLS, "3.4", False, _server_name),
    "connection_reuse": (_TLS, "3.4", False, _yes_or_no),
    "enable_rpk": (_TLS, "3.9", False, _yes_or_no),
    # For TLSRPT: what a policy service says of the policy that it found.
    "policy_type": (_TLS, "3.10", False, _anything),
    "policy_domain": (_TLS, "3.10", False, _anything),
    "policy_string": (_TLS, "3.10", True, _anything),
    "policy_ttl": (_TLS, "3.10", False, _number),
    "policy_failure": (_TLS, "3.10", False, _anything),
    "mx_host_pattern": (_TLS, "3.10", True, _anything),
}


def faults(policy: str, version: str) -> list[str]:
    """What makes a version of Postfix refuse the policy, or not do what the policy says."""
    level, *attributes = re.split(r"[\s,]+", policy.strip())
    if level not in LEVELS:
        hint = _meant(level, LEVELS)
        return [f"{level!r} is not a TLS policy: it begins with one of {', '.join(LEVELS)}{hint}"]
    wrong = []
    seen: list[str] = []
    for word in filter(None, attributes):
        name, equals, value = word.partition("=")
        if level == "none":
            wrong.append(f"{word!r} has no meaning with the level none")
        elif not equals or not name:
            wrong.append(f"{word!r} is not of the form name=value, without blanks")
        elif (fault := _fault(name, value, level, version)) is not None:
            wrong.append(fault)
        elif name in seen and not ATTRIBUTES[name][2]:
            wrong.append(f"{name}= stands twice")
        seen.append(name)
    if level == "fingerprint" and "match" not in seen:
        wrong.append("fingerprint needs match= with the fingerprints that are right")
    return wrong


def _fault(name: str, value: str, level: str, version: str) -> str | None:
    if name not in ATTRIBUTES:
        return f"there is no attribute {name!r}{_meant(name, ATTRIBUTES)}"
    levels, since, _, check = ATTRIBUTES[name]
    if not at_least(version, since):
        return f"Postfix {version} has no attribute {name!r}; it came with {since}"
    if level not in levels:
        return f"{name}= is for the levels {', '.join(levels)}, not for {level}"
    if not value:
        return f"{name}= has no value"
    found = check(value, level)
    return None if found is None else f"{name}={value}: {found}"


def _meant(word: str, known: object) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)  # type: ignore[call-overload]
    return f"; did you mean {close[0]!r}?" if close else ""
