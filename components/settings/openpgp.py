"""Reads an OpenPGP public key from ASCII armour: RFC 9580, sections 4.2, 5.5.4.2 and 6.

It only finds out which key a file holds. apt verifies signatures, on the host.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator

_BLOCK = re.compile(
    r"-----BEGIN PGP PUBLIC KEY BLOCK-----\n(?:[!-~]+: [^\n]*\n)*\s*\n"
    r"([A-Za-z0-9+/=\n]+?)(?:\n=[A-Za-z0-9+/]{4})?\n-----END PGP PUBLIC KEY BLOCK-----"
)
_PRIMARY, _SECRET = 6, (5, 7)
# Signature, trust, user ID, subkey, user attribute, marker, padding.
_WITH_A_KEY = (2, 12, 13, 14, 17, 10, 21)


class KeyFault(ValueError):
    """The text is not what it should be; says why, and quotes nothing of it."""


def public_key(text: str) -> tuple[str, str]:
    """Fingerprint, in upper case, and armour of the one public key in a text.

    The armour is written anew from what was read, so that nothing else of the text is left.
    Raises KeyFault.
    """
    if "PRIVATE KEY" in text:
        raise KeyFault("the file holds a private key; put the public key there, and renew the key")
    blocks = _BLOCK.findall(text.replace("\r\n", "\n") + "\n")
    if len(blocks) != 1:
        raise KeyFault(
            f"the file has {len(blocks)} blocks `-----BEGIN PGP PUBLIC KEY BLOCK-----`; it must "
            "have one (`gpg --armor --export` writes it)"
        )
    try:
        data = base64.b64decode(blocks[0].replace("\n", ""), validate=True)
    except binascii.Error:
        raise KeyFault("the text of the key is not Base64") from None
    found = None
    for tag, body in _packets(data):
        if tag in _SECRET:
            raise KeyFault("the file holds a private key; put the public key there")
        if tag == _PRIMARY and found is not None:
            raise KeyFault("the file holds several keys; it must hold the one that signs")
        if tag == _PRIMARY:
            found = _fingerprint(body)
        elif found is None or tag not in _WITH_A_KEY:
            raise KeyFault(f"the file holds a packet of type {tag}, which is no part of a key")
    if found is None:
        raise KeyFault("the file holds no key")
    lines = "\n".join(re.findall(".{1,64}", base64.b64encode(data).decode()))
    block = "PGP PUBLIC KEY BLOCK-----"
    return found, f"-----BEGIN {block}\n\n{lines}\n-----END {block}\n"


def _fingerprint(body: bytes) -> str:
    if body[:1] != b"\x04":
        raise KeyFault("the key is not of version 4, the only one that apt takes on every host")
    packed = b"\x99" + len(body).to_bytes(2, "big") + body
    return hashlib.sha1(packed, usedforsecurity=False).hexdigest().upper()


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each packet; lengths that are not known beforehand are refused."""
    at = 0
    while at < len(data):
        head = data[at]
        if not head & 0x80:
            raise KeyFault("the text of the key is damaged")
        if head & 0x40:
            tag, first = head & 0x3F, data[at + 1] if at + 1 < len(data) else 255
            if 224 <= first < 255:
                raise KeyFault("the key is written in parts, which no key is")
            wide = 1 if first < 192 else 2 if first < 224 else 5
            raw = data[at + 1 : at + 1 + wide]
            length = first if wide == 1 else int.from_bytes(raw[1:] if wide == 5 else raw, "big")
            length += 192 - 0xC000 if wide == 2 else 0
        else:
            tag, kind = head >> 2 & 0xF, head & 3
            if kind == 3:
                raise KeyFault("the key has a packet without a length")
            wide = 1 << kind
            raw = data[at + 1 : at + 1 + wide]
            length = int.from_bytes(raw, "big")
        body = data[at + 1 + wide : at + 1 + wide + length]
        if len(raw) < wide or len(body) < length:
            raise KeyFault("the text of the key is cut off")
        yield tag, body
        at += 1 + wide + length
