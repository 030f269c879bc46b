"""Postfix' certificates: how long they last, whether smtpd serves the ones on disk, TLSA.

Which files there are says Postfix itself (smtpd_tls_chain_files); without TLS there is nothing.
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import dns.exception
import dns.resolver
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .metrics import Metrics

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)
_CIPHERS = {"ecdsa": "ECDHE+aECDSA", "rsa": "ECDHE+aRSA"}


def collect(metrics: Metrics) -> None:
    """Compare disk, smtpd and DNS. Raises OSError when a file or smtpd cannot be read."""
    name, files = _postconf("myhostname"), _postconf("smtpd_tls_chain_files")
    digests = set()
    for path in re.split(r"[,\s]+", files):
        if not path:
            continue
        found = _PEM.search(Path(path).read_bytes())
        if found is None:
            raise ValueError(f"{path} has no certificate")
        disk = x509.load_pem_x509_certificate(found.group())
        algorithm = algorithm_of(disk)
        served = _served(algorithm)
        for source, certificate in (("disk", disk), ("served", served)):
            _end(metrics, name, algorithm, source, certificate)
        metrics.add(
            "mx_certificate_served_is_disk",
            "smtpd serves the certificate that is on disk.",
            served == disk,
            name=name,
            algorithm=algorithm,
        )
        digests.add(spki_digest(served))
    if digests:
        _tlsa(metrics, name, digests)


def algorithm_of(certificate: x509.Certificate) -> str:
    """`ecdsa` or `rsa`."""
    return "ecdsa" if isinstance(certificate.public_key(), ec.EllipticCurvePublicKey) else "rsa"


def spki_digest(certificate: x509.Certificate) -> str:
    """SHA-256 of the public key, as TLSA 3 1 1 has it (RFC 6698)."""
    key = certificate.public_key()
    return hashlib.sha256(
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).hexdigest()


def _served(algorithm: str) -> x509.Certificate:
    """The certificate that smtpd on this host shows to a client that verifies this algorithm."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # In TLS 1.2 the cipher suite names the algorithm of the certificate.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS[algorithm])
    with smtplib.SMTP("127.0.0.1", 25, timeout=30) as client:
        client.starttls(context=context)
        assert isinstance(client.sock, ssl.SSLSocket)  # noqa: S101 - starttls has made it one
        der = client.sock.getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(der or b"")


def _end(
    metrics: Metrics, name: str, algorithm: str, source: str, certificate: x509.Certificate
) -> None:
    # cryptography 38 (Debian 12) gives a naive time in UTC, later ones have _utc.
    end: datetime | None = getattr(certificate, "not_valid_after_utc", None)
    begin: datetime | None = getattr(certificate, "not_valid_before_utc", None)
    if end is None or begin is None:
        end = certificate.not_valid_after.replace(tzinfo=UTC)
        begin = certificate.not_valid_before.replace(tzinfo=UTC)
    for metric, words, moment in (
        ("after", "End of the certificate's validity.", end),
        ("before", "Begin of the certificate's validity.", begin),
    ):
        metrics.add(
            f"mx_certificate_not_{metric}_timestamp_seconds",
            words,
            moment.timestamp(),
            name=name,
            algorithm=algorithm,
            source=source,
        )


def _tlsa(metrics: Metrics, name: str, digests: set[str]) -> None:
    """Every served key must be published, where anything is (RFC 7672 section 2.1)."""
    try:
        answer = dns.resolver.resolve(f"_25._tcp.{name}", "TLSA", lifetime=10)
        published = {each.cert.hex() for each in answer}
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        published = set()
    metrics.add("mx_tlsa_records", "TLSA records of the host.", len(published), name=name)
    if published:
        metrics.add(
            "mx_tlsa_matches", "Every served key is published.", digests <= published, name=name
        )


def _postconf(parameter: str) -> str:
    done = subprocess.run(
        ["postconf", "-h", parameter], stdout=subprocess.PIPE, text=True, check=True, timeout=30
    )
    return done.stdout.strip()
