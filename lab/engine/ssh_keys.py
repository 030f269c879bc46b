"""Private keys and host keys as Go's `golang.org/x/crypto/ssh` reads them, with its errors."""

from __future__ import annotations

import base64
import binascii
import io
import re
from typing import Any

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from lab.engine.command_output import quote
from lab.engine.command_result import CommandError

# A block begins at the beginning of a line; what is before the block does not matter.
_PEM = re.compile(
    r"^-----BEGIN ([^\r\n]+?)-----[ \t\r]*\n(.*?)^-----END \1-----", re.MULTILINE | re.DOTALL
)
_OPENSSH, _MAGIC = "OPENSSH PRIVATE KEY", b"openssh-key-v1\0"
_KINDS = (_OPENSSH, "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "PRIVATE KEY")
_WRONG_PASSWORD = "x509: decryption password incorrect"  # noqa: S105 -- words of an error
_PROTECTED = "ssh: this private key is passphrase protected"
_DAMAGED = "ssh: invalid openssh private key format"
_HOST_KEYS = (
    "ssh-ed25519",
    "ssh-rsa",
    "ssh-dss",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
)


def private_key(text: str, password: str | None) -> Any:
    """The key in a PEM text. Raises CommandError."""
    block = _PEM.search(text)
    if block is None:
        raise CommandError("ssh: no key found")
    kind, body = block[1], block[2]
    if kind not in _KINDS:
        raise CommandError(f"ssh: unsupported key type {quote(kind)}")
    if kind == _OPENSSH:
        encrypted = _openssh_is_encrypted(body)
        if password is not None and not encrypted:
            raise CommandError("ssh: key is not password protected")
        if password == "":
            raise CommandError("bcrypt_pbkdf: empty password")
    else:
        encrypted = "Proc-Type: 4,ENCRYPTED" in body
        if password is not None and not encrypted:
            raise CommandError("ssh: not an encrypted key")
    if encrypted and password is None:
        raise CommandError(_PROTECTED)
    load = (
        serialization.load_ssh_private_key
        if kind == _OPENSSH
        else serialization.load_pem_private_key
    )
    clean = f"-----BEGIN {kind}-----\n{body}-----END {kind}-----\n".replace("\r\n", "\n")
    try:
        key = load(clean.encode(), None if password is None else password.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CommandError(_DAMAGED if password is None else _WRONG_PASSWORD) from error
    return _of_the_library(key)


def _openssh_is_encrypted(body: str) -> bool:
    try:
        data = base64.b64decode("".join(body.split()), validate=True)
    except binascii.Error as error:
        raise CommandError("ssh: no key found") from error
    if not data.startswith(_MAGIC):
        raise CommandError(_DAMAGED)
    return _text(data[len(_MAGIC) :]) != b"none"


def _of_the_library(key: Any) -> Any:
    if isinstance(key, rsa.RSAPrivateKey):
        return paramiko.RSAKey(key=key)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return paramiko.ECDSAKey(vals=(key, key.public_key()))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        # The library reads these from a file only.
        text = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
        return paramiko.Ed25519Key.from_private_key(io.StringIO(text.decode()))
    raise CommandError("ssh: unsupported key type")


def host_key(text: str) -> tuple[str, bytes]:
    """Type and data of the first key in lines of authorized_keys. Raises CommandError.

    The word before a key is the type's name, which nobody compares, or options; also a known_hosts
    line has that form (ssh.ParseAuthorizedKey).
    """
    last = ""
    for line in text.split("\n"):
        rest = line.partition("\r")[0].strip()
        if not rest or rest.startswith("#"):
            continue
        for _ in range(2):
            rest = _after_word(rest)
            if not rest:
                break
            try:
                return _public_key(rest.split()[0])
            except ValueError as error:
                last = f"; last parsing error for ignored line: {error}"
    raise CommandError(f"failed to parse host key: ssh: no key found{last}")


def _after_word(line: str) -> str:
    """The line after its first word; blanks in quotation marks are part of a word."""
    word = re.match(r'(?:"(?:\\.|[^"\\])*"|[^\s"])*', line)
    return line[word.end() :].strip() if word else ""


def _public_key(word: str) -> tuple[str, bytes]:
    data = base64.b64decode(_base64(word))
    kind = _text(data).decode(errors="replace")
    if kind not in _HOST_KEYS:
        raise ValueError(f"ssh: unknown key algorithm: {kind}")
    return kind, data


def _base64(word: str) -> str:
    """The word if it is base64. Raises ValueError with the place that Go names."""
    odd = re.search(r"[^A-Za-z0-9+/=]", word)
    if odd:
        raise ValueError(f"illegal base64 data at input byte {odd.start()}")
    if len(word) % 4:
        raise ValueError(f"illegal base64 data at input byte {len(word) // 4 * 4}")
    return word


def _text(data: bytes) -> bytes:
    """The text at the beginning of the data, after its length (RFC 4251 section 5)."""
    size = int.from_bytes(data[:4], "big")
    if len(data) < 4 + size or not size:
        raise ValueError("ssh: short read")
    return data[4 : 4 + size]
