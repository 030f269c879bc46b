"""Conversations with one address of an MX host: greeting, STARTTLS, a forged recipient."""

from __future__ import annotations

import contextlib
import errno
import smtplib
import socket
import ssl
import subprocess
from dataclasses import dataclass, field
from typing import Literal

Algorithm = Literal["ECDSA", "RSA"]
_NO_WAY = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
SUFFICIENT = {
    "ECDSA": "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "RSA": "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305",
}
INSUFFICIENT = "kRSA:3DES:AESCCM8:ECDHE+SHA1:DHE+SHA1:NULL:RC4:MD5:aNULL:@SECLEVEL=0"
PHASE_OUT = "DHE+AESGCM:DHE+CHACHA20:ECDHE+SHA256:ECDHE+SHA384:DHE+SHA256:@SECLEVEL=0"
"""Suites as NCSC-NL 2025-05 ranks them, for TLS 1.2."""


ANSWERED = "the answer was"
"""How `Greeting.error` begins when a server answered, and refused."""


@dataclass(frozen=True)
class Greeting:
    """How an address answers; `error` says why it does not.

    `unreachable`: this machine has no way to addresses of that family.
    """

    error: str | None = None
    banner: str = ""
    features: frozenset[str] = frozenset()
    relays: bool = False
    postmaster: int = 0
    unreachable: bool = False


@dataclass(frozen=True)
class Handshake:
    """A finished TLS handshake, or why there is none."""

    error: str | None = None
    refused: bool = False
    version: str = ""
    cipher: str = ""
    certificate: bytes = b""


@dataclass(frozen=True)
class Offer:
    """What the client offers. Empty: everything that its OpenSSL has."""

    ciphers: str = ""
    least: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    most: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED
    verify: bool = False


class _Client(smtplib.SMTP):
    """smtplib's client at an address, with the host's name for SNI."""

    def __init__(self, host: str, address: str, port: int, helo: str, seconds: float) -> None:
        self._address = address
        super().__init__(host, port, local_hostname=helo, timeout=seconds)

    def __exit__(self, *_: object) -> None:
        """Say QUIT. Whatever a server answers to that, the conversation before was the same."""
        with contextlib.suppress(smtplib.SMTPException, OSError):
            self.docmd("QUIT")
        self.close()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((self._address, port), timeout)


@dataclass
class Smtp:
    """SMTP from here; `helo` is the name that we give, `ca_file` what signs trusted chains."""

    helo: str
    port: int = 25
    seconds: float = 10
    ca_file: str | None = None
    _greetings: dict[str, Greeting] = field(default_factory=dict)
    _handshakes: dict[tuple[str, str, Offer], Handshake] = field(default_factory=dict)
    _transcripts: dict[tuple[str, str, tuple[str, ...]], str] = field(default_factory=dict)

    def greet(self, host: str, address: str, domain: str) -> Greeting:
        """Say EHLO, and ask for a foreign recipient and for postmaster; send nothing."""
        key = f"{host} {address} {domain}"
        if key not in self._greetings:
            self._greetings[key] = self._greet(host, address, domain)
        return self._greetings[key]

    def _greet(self, host: str, address: str, domain: str) -> Greeting:
        try:
            with _Client(host, address, self.port, self.helo, self.seconds) as client:
                code, banner = client.ehlo()
                if not 200 <= code <= 299:
                    return Greeting(f"EHLO was answered with {_answer(code, banner)}")
                features = frozenset(client.esmtp_features)
                client.mail(f"postmaster@{self.helo}")
                relays = client.rcpt("open-relay-test@example.com")[0] == 250
                client.rset()
                client.mail("")
                postmaster = client.rcpt(f"postmaster@{domain}")[0]
                client.rset()
                return Greeting(None, banner.decode(errors="replace"), features, relays, postmaster)
        except (smtplib.SMTPException, OSError) as error:
            no_way = getattr(error, "errno", None) in _NO_WAY
            return Greeting(_reason(error), unreachable=no_way)

    def handshake(self, host: str, address: str, offer: Offer) -> Handshake:
        """STARTTLS and a handshake with that offer."""
        key = (host, address, offer)
        if key not in self._handshakes:
            self._handshakes[key] = self._handshake(host, address, offer)
        return self._handshakes[key]

    def _handshake(self, host: str, address: str, offer: Offer) -> Handshake:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = offer.verify
        context.verify_mode = ssl.CERT_REQUIRED if offer.verify else ssl.CERT_NONE
        if offer.verify:
            context.load_default_certs()
            if self.ca_file:
                context.load_verify_locations(self.ca_file)
        try:
            if offer.ciphers:
                context.set_ciphers(offer.ciphers)
            context.minimum_version, context.maximum_version = offer.least, offer.most
        except (ssl.SSLError, ValueError) as error:
            return Handshake(f"the OpenSSL of this machine cannot do this: {error}")
        try:
            with _Client(host, address, self.port, self.helo, self.seconds) as client:
                code, text = client.starttls(context=context)
                if code != 220:
                    return Handshake(f"STARTTLS was answered with {_answer(code, text)}")
                sock = client.sock
                assert isinstance(sock, ssl.SSLSocket)  # noqa: S101 -- what starttls() leaves
                cipher = sock.cipher()
                return Handshake(
                    None,
                    False,
                    sock.version() or "",
                    cipher[0] if cipher else "",
                    sock.getpeercert(True) or b"",
                )
        except ssl.SSLError as error:
            return Handshake(_reason(error), refused=True)
        except ConnectionResetError as error:
            return Handshake(_reason(error), refused=True)
        except (smtplib.SMTPException, OSError) as error:
            return Handshake(_reason(error))

    def transcript(self, host: str, address: str, *options: str) -> str:
        """What openssl-s_client(1) prints of a handshake; empty when there was none.

        For what Python's ssl module cannot tell: the chain that is sent, the extended master
        secret, secure renegotiation, and the signature algorithms that a server signs with.
        """
        key = (host, address, options)
        if key not in self._transcripts:
            literal = f"[{address}]" if ":" in address else address
            place = ["-connect", f"{literal}:{self.port}", "-servername", host]
            command = ["openssl", "s_client", "-starttls", "smtp", "-name", self.helo, *place]
            try:
                done = subprocess.run(
                    [*command, "-showcerts", *options],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=self.seconds + 5,
                    check=False,
                )
                text = done.stdout.decode("utf-8", "replace")
            except (OSError, subprocess.TimeoutExpired):
                text = ""
            done_well = "Cipher is " in text and "Cipher is (NONE)" not in text
            self._transcripts[key] = text if done_well else ""
        return self._transcripts[key]


def _answer(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{ANSWERED} {_answer(error.smtp_code, error.smtp_error)}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "it ended the connection"
    return str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error)
