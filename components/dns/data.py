"""Data of DNS records as the Cloudflare API returns it, so that no refresh shows a difference."""

from __future__ import annotations

import base64
import hashlib

from components.settings.dns import CaaSettings

_TXT_STRING_BYTES = 255
_SSHFP_ALGORITHMS = {
    "ssh-rsa": 1,
    "ecdsa-sha2-nistp256": 3,
    "ecdsa-sha2-nistp384": 3,
    "ssh-ed25519": 4,
}
_SSHFP_SHA256 = 2

Data = dict[str, object]


def txt(text: str) -> str:
    """A TXT value as quoted strings of at most 255 bytes (RFC 1035 section 3.3.14)."""
    strings = [
        text[start : start + _TXT_STRING_BYTES]
        for start in range(0, max(len(text), 1), _TXT_STRING_BYTES)
    ]
    escaped = [string.replace("\\", "\\\\").replace('"', '\\"') for string in strings]
    return " ".join(f'"{string}"' for string in escaped)


def tlsa(digest: object) -> Data:
    """TLSA 3 1 1: SHA-256 of the host's public key (RFC 7672 section 3.1.1), upper-case hex."""
    return {"usage": 3, "selector": 1, "matching_type": 1, "certificate": digest}


def sshfp(host_key: str) -> Data:
    """SSHFP with SHA-256 (RFC 4255, RFC 6594, RFC 7479) of a key as sshd(8) writes it."""
    kind, blob = host_key.split()[:2]
    digest = hashlib.sha256(base64.b64decode(blob)).hexdigest().upper()
    return {
        "algorithm": _SSHFP_ALGORITHMS[kind],
        "type": _SSHFP_SHA256,
        "fingerprint": digest,
    }


def caa(settings: CaaSettings) -> dict[str, Data]:
    """CAA properties (RFC 8659, RFC 8657), each by a name that no position enters."""
    limits = ""
    if settings.account_uri is not None:
        limits += f"; accounturi={settings.account_uri}"
    if settings.validation_methods:
        limits += f"; validationmethods={','.join(settings.validation_methods)}"
    found: dict[str, Data] = {
        f"issue-{authority}": _property("issue", authority + limits) for authority in settings.issue
    }
    found["issuewild"] = _property("issuewild", ";")
    if settings.iodef is not None:
        found["iodef"] = _property("iodef", f"mailto:{settings.iodef}")
    return found


def _property(tag: str, value: str) -> Data:
    return {"flags": 0, "tag": tag, "value": value}
