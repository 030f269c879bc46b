"""A certificate as an MX host sends it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
DAY_SECONDS = 86400
_DIGESTS = {"0": None, "1": "sha256", "2": "sha512"}


@dataclass(frozen=True)
class Certificate:
    """What the checks ask of a certificate."""

    der: bytes

    @property
    def parsed(self) -> x509.Certificate:
        """The certificate. Raises ValueError when it is none."""
        return x509.load_der_x509_certificate(self.der)

    @property
    def seconds_left(self) -> float:
        """Until it expires; negative when it has."""
        return (self.parsed.not_valid_after_utc - datetime.now(UTC)).total_seconds()

    @property
    def lifetime_seconds(self) -> float:
        """From the beginning of its validity to the end."""
        parsed = self.parsed
        return (parsed.not_valid_after_utc - parsed.not_valid_before_utc).total_seconds()

    @property
    def names(self) -> list[str]:
        """Its DNS names, in lower case."""
        try:
            extension = self.parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return []
        return [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]

    @property
    def self_issued(self) -> bool:
        """Whether it names itself as its issuer."""
        return self.parsed.issuer == self.parsed.subject

    def weak_key(self) -> str | None:
        """What is weak in its key, as NCSC-NL 2025-05 ranks it."""
        key = self.parsed.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            return f"RSA of {key.key_size} bits" if key.key_size < 3072 else None
        if isinstance(key, ec.EllipticCurvePublicKey):
            return f"curve {key.curve.name}" if key.key_size < 256 else None
        if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            return None
        return type(key).__name__

    def weak_signature(self) -> str | None:
        """The digest of its signature, if that is not SHA-256, 384 or 512."""
        algorithm = self.parsed.signature_hash_algorithm
        name = algorithm.name if algorithm is not None else "none"
        return None if name in ("sha256", "sha384", "sha512", "none") else name

    def matches(self, selector: str, matching: str, data: str) -> bool:
        """Whether a TLSA record's data is of this certificate (RFC 6698 section 2.1)."""
        raw = self.der
        if selector == "1":
            raw = self.parsed.public_key().public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
        digest = _DIGESTS[matching]
        value = raw.hex() if digest is None else hashlib.new(digest, raw).hexdigest()
        return value == data.lower()

    def is_for(self, host: str) -> bool:
        """Whether a name of it is the host's; `*.` stands for one label (RFC 6125)."""
        rest = "*." + host.partition(".")[2]
        return any(name in (host, rest) for name in self.names)


def chain(transcript: str) -> list[Certificate]:
    """The certificates that openssl-s_client(1) printed, in the order in which they were sent."""
    found = [x509.load_pem_x509_certificate(pem.encode()) for pem in _PEM.findall(transcript)]
    return [Certificate(each.public_bytes(Encoding.DER)) for each in found]
