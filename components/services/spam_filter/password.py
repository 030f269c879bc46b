"""The password of Rspamd's controller as Rspamd keeps it: PBKDF2 over keyed BLAKE2b.

Source: `rspamadm pw -t pbkdf2`, whose hashes the tests compare with.
"""

from __future__ import annotations

import hashlib

_ROUNDS = 16000
_SALT_BYTES = 20
_KEY_BYTES = 32
_ALPHABET = "ybndrfg8ejkmcpqxot1uwisza345h769"


LOCKED = f"$1${_ALPHABET[0] * 32}${_ALPHABET[0] * 52}"
"""In place of a hash: 32 zero bytes, which no password is known to lead to."""


def salt(name: str) -> bytes:
    """A salt for `name`: its own, and the same in every run, since a new one would be a change."""
    return hashlib.blake2b(name.encode(), digest_size=_SALT_BYTES, person=b"mx rspamd").digest()


def hashed(password: str, salt: bytes) -> str:
    """What stands in worker-controller.inc for a password."""
    key = password.encode()
    if len(key) > hashlib.blake2b.MAX_KEY_SIZE:
        key = hashlib.blake2b(key).digest()
    block = hashlib.blake2b(salt + b"\x00\x00\x00\x01", key=key).digest()
    total = int.from_bytes(block)
    for _ in range(_ROUNDS - 1):
        block = hashlib.blake2b(block, key=key).digest()
        total ^= int.from_bytes(block)
    derived = total.to_bytes(len(block))[:_KEY_BYTES]
    return f"$1${_base32(salt)}${_base32(derived)}"


def _base32(data: bytes) -> str:
    """Rspamd's own base 32: five bits a letter, the lowest first."""
    number, letters = int.from_bytes(data, "little"), []
    for _ in range((len(data) * 8 + 4) // 5):
        letters.append(_ALPHABET[number & 31])
        number >>= 5
    return "".join(letters)
