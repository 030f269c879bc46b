"""Looks at the lab as a sender does: DNS at its server, policies and keys at every address."""

from __future__ import annotations

import hashlib
import http.client
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dns import query
from dns.message import make_query
from dns.rdatatype import from_text

from lab.acme import ROOTS
from lab.topology import AUTHORITATIVE, INTERNET, ipv4

from .promises import DomainLook, HostLook, Sender

CIPHERS = {"ecdsa": "ECDHE+aECDSA", "rsa": "ECDHE+aRSA"}
_SECONDS = 20
T = TypeVar("T")


def ask(name: str, kind: str) -> list[str]:
    """The answer's data as text, names without the final dot."""
    question = make_query(name, kind)
    answer, _ = query.udp_with_fallback(question, ipv4(AUTHORITATIVE), _SECONDS)
    return [
        record.to_text().rstrip(".")
        for rrset in answer.answer
        if rrset.rdtype == from_text(kind)
        for record in rrset
    ]


def _addresses(name: str) -> list[str]:
    return ask(name, "A") + ask(name, "AAAA")


def look_at_domain(domain: str) -> DomainLook:
    """What DNS and the policy host say of a mail domain."""
    # First what is published last: whoever sees a new MX then finds the id that goes with it.
    before = _exchangers(domain)
    announced = [text.strip('"') for text in ask(f"_mta-sts.{domain}", "TXT")]
    addresses = _addresses(f"mta-sts.{domain}") if announced else []
    policies, errors = {}, []
    for address in addresses:
        try:
            policies[address] = _policy(f"mta-sts.{domain}", address)
        except (ssl.SSLEOFError, http.client.RemoteDisconnected):
            continue
        except ssl.SSLError as error:
            errors.append(f"{address}: {error}")
        except http.client.HTTPException as error:
            errors.append(f"{address}: answers {error}")
        except OSError:
            continue  # no answer: the blink of a restart
    # A record that went meanwhile promised nothing any more while the addresses were asked.
    still = set(_addresses(f"mta-sts.{domain}")) if errors else set()
    return DomainLook(
        domain,
        announced[0].partition("id=")[2] if announced else None,
        before & _exchangers(domain),
        frozenset(addresses),
        policies,
        tuple(error for error in errors if error.partition(": ")[0] in still),
    )


def _exchangers(domain: str) -> frozenset[str]:
    return frozenset(text.split()[1] for text in ask(domain, "MX"))


def _policy(name: str, address: str) -> str:
    """Raises HTTPException for another answer than 200, OSError (SSLError) for none."""
    with (
        socket.create_connection((address, 443), _SECONDS) as link,
        _roots().wrap_socket(link, server_hostname=name) as tls,
    ):
        tls.sendall(
            f"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: {name}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        answer = http.client.HTTPResponse(tls)
        answer.begin()
        if answer.status != 200:
            raise http.client.HTTPException(str(answer.status))
        return answer.read().decode()


def look_at_host(host: str) -> HostLook:
    """The keys that DNS announces of an MX host, and those that it serves."""
    announced = ask(f"_25._tcp.{host}", "TLSA")
    keys: dict[str, str | None] = {}
    for address in _addresses(host) if announced else []:
        for algorithm in CIPHERS:
            place = f"{address} {algorithm}"
            try:
                keys[place] = served_key(address, algorithm)
            except (smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError, ssl.SSLEOFError):
                continue
            except smtplib.SMTPResponseException as error:
                if error.smtp_code != 421:
                    keys[place] = None
            except (smtplib.SMTPNotSupportedError, ssl.SSLError):
                keys[place] = None
            except OSError:
                continue  # as above
    if not ask(f"_25._tcp.{host}", "TLSA"):
        announced = []
    digests = (text.split(" ", 3)[3].replace(" ", "").upper() for text in announced)
    return HostLook(host, frozenset(digests), keys)


@cache
def _only(algorithm: str) -> ssl.SSLContext:
    """TLS 1.2, where a suite names the algorithm of the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS[algorithm])
    return context


@cache
def _roots() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ROOTS))


def served_key(address: str, algorithm: str) -> str:
    """SHA-256 of the key that a sender of one algorithm gets."""
    with smtplib.SMTP(address, 25, INTERNET.fqdn, timeout=_SECONDS) as client:
        client.starttls(context=_only(algorithm))
        assert isinstance(client.sock, ssl.SSLSocket)
        der = client.sock.getpeercert(binary_form=True) or b""
    key = x509.load_der_x509_certificate(der).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest().upper()


class Watch(Sender):
    """A sender that looks all the time; `domains` and `hosts` are what it saw, change by change."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.domains: dict[str, list[DomainLook]] = {}
        self.hosts: dict[str, list[HostLook]] = {}
        self.looks = 0
        self._names = names

    def looks_again(self) -> Callable[[], bool]:
        """Tells whether a look that begins from now on has ended."""
        last = self.looks
        return lambda: self.looks > last + 1

    def look(self) -> None:
        """One look at everything."""
        exchangers: set[str] = set()
        for name in self._names:
            domain = look_at_domain(name)
            exchangers |= domain.mx
            self.see_domain(domain)
            _note(self.domains.setdefault(name, []), domain)
        for host in sorted(exchangers):
            seen = look_at_host(host)
            self.see_host(seen)
            _note(self.hosts.setdefault(host, []), seen)
        self.looks += 1


def _note(looks: list[T], look: T) -> None:
    if looks[-1:] != [look]:
        looks.append(look)


@contextmanager
def watching(*names: str) -> Iterator[Watch]:
    """Look at these mail domains all the time, about once a second."""
    watch, stop = Watch(names), threading.Event()

    def run() -> None:
        while not stop.is_set():
            watch.look()
            stop.wait(1)

    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(run)
        try:
            yield watch
        finally:
            stop.set()
            ended.result()
