"""Keys and certificates, through the openssl command."""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from . import Trouble


def run(*argv: str, stdin: bytes = b"") -> bytes:
    """Run openssl and return its output. Raises Trouble with its words."""
    done = subprocess.run(["openssl", *argv], input=stdin, capture_output=True, check=False)
    if done.returncode != 0:
        raise Trouble(f"openssl {argv[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


@dataclass(frozen=True)
class Certificate:
    """What renewal needs to know of a certificate."""

    not_before: datetime
    not_after: datetime
    names: frozenset[str]


def read(path: Path) -> Certificate:
    """The first certificate of a PEM file. Raises Trouble."""
    wanted = ["-noout", "-dates", "-dateopt", "iso_8601", "-ext", "subjectAltName"]
    lines = run("x509", "-in", str(path), *wanted).decode().split("\n")
    dates = dict(line.split("=", 1) for line in lines if "=" in line)
    names = [part.strip() for line in lines if "DNS:" in line for part in line.split(",")]
    return Certificate(
        _moment(dates["notBefore"]),
        _moment(dates["notAfter"]),
        frozenset(name.removeprefix("DNS:") for name in names),
    )


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%SZ").replace(tzinfo=UTC)


def spki_sha256(key: Path) -> str:
    """SHA-256 of a private key's SubjectPublicKeyInfo, upper-case hex (TLSA x 1 1)."""
    return (
        hashlib.sha256(run("pkey", "-in", str(key), "-pubout", "-outform", "DER"))
        .hexdigest()
        .upper()
    )


def belongs(key: Path, certificate: Path) -> bool:
    """Whether a certificate is of this key."""
    of_key = run("pkey", "-in", str(key), "-pubout")
    return of_key == run("x509", "-in", str(certificate), "-noout", "-pubkey")


def make_key(path: Path, algorithm: str, rsa_bits: int) -> None:
    """Make a private key, whole or not at all, readable by root only."""
    kind = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    if algorithm == "rsa":
        kind = ["-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{rsa_bits}"]
    replace(path, run("genpkey", *kind))


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Put a file at a path by rename, durable."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.rename(path)
