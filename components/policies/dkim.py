"""DKIM keys in DNS (RFC 6376 section 3.6.1, RFC 8301, RFC 8463): what is wrong with one."""

from __future__ import annotations

import base64
import binascii

from components.policies import tags

_MINIMUM_RSA_BITS = 2048
_ED25519_BYTES = 32


def faults(text: str) -> list[str]:
    """What makes verifiers ignore the key; an empty p= is a revoked one and no fault."""
    try:
        found = dict(tags.parse(text))
    except ValueError as error:
        return [str(error)]
    wrong = []
    if found.get("v", "DKIM1") != "DKIM1":
        wrong.append(f"v={found['v']} is not v=DKIM1")
    if "p" not in found:
        return [*wrong, "p= is missing"]
    kind = found.get("k", "rsa")
    if kind not in ("rsa", "ed25519"):
        return [*wrong, f"k={kind} is neither rsa nor ed25519"]
    if not found["p"]:
        return wrong
    try:
        key = base64.b64decode("".join(found["p"].split()), validate=True)
    except (binascii.Error, ValueError):
        return [*wrong, "p= is not base64"]
    if kind == "ed25519" and len(key) != _ED25519_BYTES:
        wrong.append(f"p= has {len(key)} bytes, but a key of k=ed25519 has {_ED25519_BYTES}")
    elif kind == "rsa":
        bits = rsa_bits(key)
        if bits is None:
            wrong.append("p= is not an RSA public key")
        elif bits < _MINIMUM_RSA_BITS:
            wrong.append(f"an RSA key of {bits} bits, less than {_MINIMUM_RSA_BITS} (RFC 8301)")
    return wrong


def rsa_bits(der: bytes) -> int | None:
    """Length of the modulus of a SubjectPublicKeyInfo or RSAPublicKey; None when it is neither."""
    sequence = _element(der, 0x30)
    if sequence is None:
        return None
    first = _element(sequence[0], 0x30)
    if first is not None:  # AlgorithmIdentifier, then the key in a BIT STRING
        bits = _element(first[1], 0x03)
        return None if bits is None else rsa_bits(bits[0][1:])
    modulus = _element(sequence[0], 0x02)
    return None if modulus is None else int.from_bytes(modulus[0], "big").bit_length()


def _element(data: bytes, tag: int) -> tuple[bytes, bytes] | None:
    """Content of the DER element at the begin, if it has this tag, and what follows it."""
    if len(data) < 2 or data[0] != tag:
        return None
    length, start = data[1], 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(data[2 : 2 + size], "big"), 2 + size
    if len(data) < start + length:
        return None
    return data[start : start + length], data[start + length :]
