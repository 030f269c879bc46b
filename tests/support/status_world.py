"""A mail system in memory that is right; tests break one thing of it at a time."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from tools.status import reputation, run
from tools.status.check import Finding
from tools.status.names import Answer
from tools.status.smtp import SUFFICIENT, Greeting, Handshake, Offer
from tools.status.world import Page, World

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
POLICY = (
    "version: STSv1\r\nmode: enforce\r\nmx: mx1.ok.test\r\nmx: mx2.ok.test\r\nmax_age: 1209600\r\n"
)
_DIGESTS: dict[str, hashes.SHA224 | hashes.SHA256] = {
    "SHA224": hashes.SHA224(),
    "SHA256": hashes.SHA256(),
}
ADDRESSES = {
    "mx1.ok.test": ("192.0.2.1", "2001:db8::1"),
    "mx2.ok.test": ("192.0.2.2", "2001:db8::2"),
}


@functools.cache
def key(name: str) -> Key:
    """A key that stays the same during a test run; `RSA`, `RSA1024` or `ECDSA` begins its name."""
    if name.startswith("RSA"):
        return rsa.generate_private_key(65537, 1024 if name == "RSA1024" else 3072)
    return ec.generate_private_key(ec.SECP256R1())


@functools.cache
def certificate(
    name: str, host: str, days: float = 60, issuer: str = "", digest: str = "SHA256"
) -> bytes:
    """A certificate of that key as DER, signed by the key itself; `issuer` is another's name."""
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    signer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer or host)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer)
        .public_key(key(name).public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=100))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key(name), _DIGESTS[digest])
        .public_bytes(Encoding.DER)
    )


def spki(name: str) -> str:
    """The data of TLSA 3 1 1 of a key."""
    public = key(name).public_key()
    raw = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(raw).hexdigest()


class FakeNames:
    """DNS as a table; what is not in it does not exist."""

    server = "192.0.2.53, port 53"

    def __init__(self) -> None:
        self.table: dict[tuple[str, str], Answer] = {}
        self.servers: dict[tuple[str, str, str], Answer] = {}

    def put(self, name: str, kind: str, *values: str, secure: bool = True) -> None:
        self.table[name, kind] = Answer("found" if values else "empty", values, secure)

    def ask(self, name: str, kind: str) -> Answer:
        if (name, kind) in self.table:
            return self.table[name, kind]
        below = [owner for owner, _ in self.table if owner == name or owner.endswith("." + name)]
        return Answer("empty" if below else "missing", (), True)

    def ask_at(self, server: str, name: str, kind: str) -> Answer:
        answer = self.servers.get((server, name, kind)) or self.ask(name, kind)
        return dataclasses.replace(answer, authoritative=answer.outcome != "failed")

    def pointer(self, address: str) -> Answer:
        return self.ask(f"ptr {address}", "PTR")


@dataclasses.dataclass
class Server:
    """An SMTP server: what it greets with, and how it shakes hands for an offer."""

    host: str
    greeting: Greeting = dataclasses.field(
        default_factory=lambda: Greeting(None, "mx", frozenset({"starttls"}), False, 250)
    )
    keys: dict[str, str] = dataclasses.field(
        default_factory=lambda: {"ECDSA": "ECDSA", "RSA": "RSA"}
    )
    name: str = ""
    days: float = 60
    issuer: str = ""
    digest: str = "SHA256"
    version: str = "TLSv1.3"
    trust: str | None = None
    accepts: Callable[[Offer], str | None] = lambda offer: None
    transcript: dict[str, str] = dataclasses.field(default_factory=dict)

    def shake(self, offer: Offer) -> Handshake:
        wanted = [name for name, ciphers in SUFFICIENT.items() if ciphers == offer.ciphers]
        algorithm = next(iter(wanted or self.keys), None)
        if algorithm not in self.keys:
            return Handshake("handshake failure", refused=True)
        if offer.verify and self.trust is not None:
            return Handshake(self.trust, refused=True)
        cipher = "TLS_AES_128_GCM_SHA256"
        if not wanted and offer.ciphers:
            old = self.accepts(offer)
            if old is None:
                return Handshake("handshake failure", refused=True)
            cipher = old
        name = self.name or self.host
        der = certificate(self.keys[algorithm], name, self.days, self.issuer, self.digest)
        return Handshake(None, False, self.version, cipher, der)


class FakeSmtp:
    """Servers by address."""

    def __init__(self) -> None:
        self.servers = {
            address: Server(host) for host, both in ADDRESSES.items() for address in both
        }

    def greet(self, host: str, address: str, domain: str) -> Greeting:
        return self.servers[address].greeting

    def handshake(self, host: str, address: str, offer: Offer) -> Handshake:
        return self.servers[address].shake(offer)

    def transcript(self, host: str, address: str, *options: str) -> str:
        return self.servers[address].transcript.get(" ".join(options), "")


class FakeWeb:
    """The policy at each address."""

    def __init__(self) -> None:
        self.pages = dict.fromkeys(
            ("192.0.2.1", "192.0.2.2"), Page(None, 200, "text/plain", POLICY)
        )

    def policy(self, host: str, address: str) -> Page:
        return self.pages[address]


class Right:
    """The domain ok.test with two MX hosts, everything as it should be."""

    def __init__(self) -> None:
        self.names, self.smtp, self.web = FakeNames(), FakeSmtp(), FakeWeb()
        put = self.names.put
        put("ok.test", "SOA", "ns1.ok.test. hm.ok.test. 7 1 1 1 1")
        put("ok.test", "NS", "ns1.ok.test", "ns2.ok.test")
        for number in (1, 2):
            put(f"ns{number}.ok.test", "A", f"192.0.2.5{number}")
            put(f"ns{number}.ok.test", "AAAA", f"2001:db8::5{number}")
        put("ok.test", "MX", "10 mx1.ok.test", "20 mx2.ok.test")
        put("ok.test", "TXT", "v=spf1 mx -all", "site=1")
        put("_dmarc.ok.test", "TXT", "v=DMARC1; p=reject; rua=mailto:d@ok.test")
        put("s1._domainkey.ok.test", "TXT", "v=DKIM1; p=")
        put("_smtp._tls.ok.test", "TXT", "v=TLSRPTv1; rua=mailto:t@ok.test")
        put("_mta-sts.ok.test", "TXT", "v=STSv1; id=1")
        put("mta-sts.ok.test", "A", "192.0.2.1", "192.0.2.2")
        put("ok.test", "CAA", '0 issue "ca.test"')
        for host, (four, six) in ADDRESSES.items():
            put(host, "A", four)
            put(host, "AAAA", six)
            put(f"_smtp._tls.{host}", "TXT", "v=TLSRPTv1; rua=mailto:t@ok.test")
            put(f"_25._tcp.{host}", "TLSA", f"3 1 1 {spki('ECDSA')}", f"3 1 1 {spki('RSA')}")
            for address in (four, six):
                put(f"ptr {address}", "PTR", host)
        self.selectors: tuple[str, ...] = ()

    def findings(self) -> list[Finding]:
        lists = {"zen.list.test": "https://list.test/"}
        world = World(self.names, self.smtp, self.web, self.selectors, lists)
        return run.domains(world, ["ok.test"])

    def listed(self, *codes: str) -> None:
        """The block list's answer for 192.0.2.1."""
        self.names.put(reputation._listed_name("192.0.2.1", "zen.list.test"), "A", *codes)
