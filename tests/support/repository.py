"""A signed apt repository: its key and signatures (RFC 9580, version 4), made without gpg.

No program that signs is on every machine that runs the tests; apt verifies what is made here.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import time
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_USER = b"Repository of the tests <repository@example.test>"
_BINARY, _CERTIFIES = 0x00, 0x13
_RSA, _SHA512 = 1, 10


def _number(value: int) -> bytes:
    return value.bit_length().to_bytes(2, "big") + value.to_bytes((value.bit_length() + 7) // 8)


def _packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, 255]) + len(body).to_bytes(4, "big") + body


def armour(data: bytes, kind: str = "PUBLIC KEY BLOCK") -> str:
    """ASCII armour (RFC 9580 section 6.2)."""
    text = base64.encodebytes(data).decode()
    return f"-----BEGIN PGP {kind}-----\n\n{text}-----END PGP {kind}-----\n"


@dataclass(frozen=True)
class Key:
    """An RSA key that signs, made at `made` (seconds since 1970)."""

    private: rsa.RSAPrivateKey
    made: int

    @classmethod
    def new(cls) -> Key:
        """Make a key, an hour old: clocks of hosts differ."""
        return cls(rsa.generate_private_key(65537, 3072), int(time.time()) - 3600)

    @property
    def _body(self) -> bytes:
        numbers = self.private.public_key().public_numbers()
        head = b"\x04" + self.made.to_bytes(4, "big") + bytes([_RSA])
        return head + _number(numbers.n) + _number(numbers.e)

    @property
    def _hashed(self) -> bytes:
        return b"\x99" + len(self._body).to_bytes(2, "big") + self._body

    @property
    def fingerprint(self) -> str:
        """The fingerprint in upper case (RFC 9580 section 5.5.4.2)."""
        return hashlib.sha1(self._hashed, usedforsecurity=False).hexdigest().upper()

    def _signature(self, kind: int, data: bytes) -> bytes:
        """A signature packet of version 4 over `data` (section 5.2.4)."""
        own = bytes.fromhex(self.fingerprint)
        at = (self.made + 1).to_bytes(4, "big")
        parts = [b"\x02" + at, b"\x21\x04" + own, *([b"\x1b\x03"] if kind == _CERTIFIES else [])]
        hashed = b"".join(bytes([len(each)]) + each for each in parts)
        head = bytes([4, kind, _RSA, _SHA512]) + len(hashed).to_bytes(2, "big") + hashed
        whole = data + head + b"\x04\xff" + len(head).to_bytes(4, "big")
        made = self.private.sign(whole, padding.PKCS1v15(), hashes.SHA512())
        issuer = b"\x09\x10" + own[-8:]
        body = head + len(issuer).to_bytes(2, "big") + issuer + hashlib.sha512(whole).digest()[:2]
        return _packet(2, body + _number(int.from_bytes(made, "big")))

    @property
    def public(self) -> bytes:
        """The public key with its user ID, as packets."""
        user = b"\xb4" + len(_USER).to_bytes(4, "big") + _USER
        certified = self._signature(_CERTIFIES, self._hashed + user)
        return _packet(6, self._body) + _packet(13, _USER) + certified

    def sign(self, data: bytes) -> str:
        """A detached signature, as in Release.gpg."""
        return armour(self._signature(_BINARY, data), "SIGNATURE")


def release(packages: bytes, suite: str) -> str:
    """A Release file for one index (https://wiki.debian.org/DebianRepository/Format)."""
    now = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=30)
    digest = hashlib.sha256(packages).hexdigest()
    indexes = [f"main/binary-{each}/Packages" for each in ("amd64", "arm64")]
    return (
        # What a repository says of itself must not matter.
        "Origin: Debian\nLabel: Debian\n"
        f"Suite: {suite}\nCodename: {suite}\nComponents: main\nArchitectures: amd64 arm64\n"
        f"Date: {now:%a, %d %b %Y %H:%M:%S} UTC\n"
        "SHA256:\n" + "".join(f" {digest} {len(packages)} {index}\n" for index in indexes)
    )
