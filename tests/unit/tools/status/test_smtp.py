"""Probes against servers on loopback: what TLS, STARTTLS and the certificates really are."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.serving import running
from tests.support.status_world import POLICY, FakeNames, key, spki
from tests.support.status_world import certificate as issue
from tools.status import certificate, identity, transport
from tools.status.check import Address, findings
from tools.status.smtp import Offer, Smtp
from tools.status.world import Page, Web, World

pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")

HOST = "mx1.ok.test"
ADDRESS = Address("127.0.0.1", HOST, "ok.test")


@dataclasses.dataclass
class Setup:
    """What the server offers."""

    starttls: bool = True
    keys: tuple[str, ...] = ("ECDSA", "RSA")
    least: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    ciphers: str = "ECDHE+AESGCM:ECDHE+CHACHA20"
    days: float = 60
    name: str = HOST
    relays: bool = False
    banner: bytes = b"220 mx1.ok.test ESMTP\r\n"


class SmtpServer:
    """One SMTP server of its own on 127.0.0.1; a thread serves each connection."""

    def __init__(self, setup: Setup, folder: Path) -> None:
        self.setup = setup
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = setup.least
        self.context.set_ciphers(setup.ciphers)
        for name in setup.keys:
            pem = folder / f"{name}.pem"
            private = key(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            public = ssl.DER_cert_to_PEM_cert(issue(name, setup.name, setup.days))
            pem.write_bytes(private + public.encode())
            self.context.load_cert_chain(pem)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self.threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(10)
            connection.sendall(self.setup.banner)
            self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        for line in stream:
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"EHLO":
                more = b"250-mx1\r\n250-STARTTLS\r\n" if self.setup.starttls else b"250-mx1\r\n"
                connection.sendall(more + b"250 8BITMIME\r\n")
            elif verb == b"STARTTLS":
                connection.sendall(b"220 go\r\n")
                with self.context.wrap_socket(connection, server_side=True) as wrapped:
                    self._talk(wrapped)
                return
            elif verb == b"RCPT" and b"example.com" in line and not self.setup.relays:
                connection.sendall(b"554 5.7.1 no\r\n")
            elif verb == b"QUIT":
                connection.sendall(b"221 bye\r\n")
                return
            else:
                connection.sendall(b"250 ok\r\n")

    def stop(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()


Serve = Callable[[Setup], World]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    servers = []

    def start(setup: Setup) -> World:
        server = SmtpServer(setup, tmp_path)
        servers.append(server)
        names = FakeNames()
        tlsa = [f"3 1 1 {spki(name)}" for name in ("ECDSA", "RSA")]
        names.put(f"_25._tcp.{HOST}", "TLSA", *tlsa)
        ca = tmp_path / "ca.pem"
        ca.write_text(
            "".join(
                ssl.DER_cert_to_PEM_cert(issue(name, setup.name, setup.days)) for name in setup.keys
            )
        )
        return World(names, Smtp("probe.test", server.port, 10, str(ca)), Web())

    yield start
    for server in servers:
        server.stop()


def found(world: World) -> set[str]:
    checks = (*transport.ADDRESS, *identity.ADDRESS)
    return {each.check for each in findings(checks, world, ADDRESS)}


def test_a_right_server_has_no_finding(serve: Serve) -> None:
    assert found(serve(Setup())) == set()


CASES: dict[str, tuple[Setup, set[str]]] = {
    "no_starttls": (Setup(starttls=False), {"starttls-missing"}),
    "rsa_only": (Setup(keys=("RSA",)), {"tls-ecdsa"}),
    "ecdsa_only": (Setup(keys=("ECDSA",)), {"tls-rsa"}),
    "tls_1_0": (
        Setup(least=ssl.TLSVersion.TLSv1, ciphers="ALL:@SECLEVEL=0"),
        {"tls-old", "tls-ciphers", "tls-ciphers-old", "tls-sha1"},
    ),
    "static_rsa": (Setup(ciphers="ECDHE+AESGCM:AES128-SHA"), {"tls-ciphers"}),
    "cbc": (Setup(ciphers="ECDHE+AESGCM:ECDHE+SHA384"), {"tls-ciphers-old"}),
    "expired": (Setup(days=-2), {"certificate-expired"}),
    "soon": (Setup(days=3), {"certificate-soon"}),
    "other_name": (Setup(name="other.test"), {"certificate-name"}),
    "other_key": (Setup(keys=("ECDSA2", "RSA")), {"dane-mismatch"}),
    "relay": (Setup(relays=True), {"open-relay"}),
    "busy": (Setup(banner=b"554 no\r\n"), {"smtp-refuses"}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_with_a_server_is_found(serve: Serve, case: str) -> None:
    setup, expected = CASES[case]
    assert found(serve(setup)) == expected


def test_a_certificate_that_nobody_vouches_for(serve: Serve) -> None:
    world = serve(Setup())
    assert isinstance(world.smtp, Smtp)
    world.smtp.ca_file = None
    whats = [each.what for each in findings(identity.ADDRESS, world, ADDRESS)]
    assert len(whats) == 2
    assert all("self-signed certificate" in what for what in whats)


def test_a_closed_port(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    world = World(FakeNames(), Smtp("probe.test", port), Web())
    whats = [each.what for each in findings(transport.ADDRESS, world, ADDRESS)]
    assert whats == ["port 25: Connection refused"]


def test_the_chain_that_is_sent_can_be_matched_by_usage_2(serve: Serve) -> None:
    world = serve(Setup(keys=("ECDSA",)))
    sent = certificate.chain(world.smtp.transcript(HOST, "127.0.0.1"))
    assert [each.is_for(HOST) for each in sent] == [True]
    assert sent[0].matches("1", "1", spki("ECDSA").upper())
    assert not sent[0].matches("0", "1", spki("ECDSA"))


def test_a_handshake_tells_version_and_suite(serve: Serve) -> None:
    world = serve(Setup())
    done = world.smtp.handshake(HOST, "127.0.0.1", Offer())
    assert (done.error, done.version) == (None, "TLSv1.3")
    assert done.cipher.startswith("TLS_")


class PolicyServer(http.server.BaseHTTPRequestHandler):
    """A policy host."""

    def do_GET(self) -> None:
        known = self.path == "/.well-known/mta-sts.txt"
        body = POLICY.encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def policy_host(tmp_path: Path) -> Iterator[tuple[int, str]]:
    """Port and certificate of a policy host `mta-sts.ok.test`."""
    public = ssl.DER_cert_to_PEM_cert(issue("ECDSA", "mta-sts.ok.test"))
    private = key("ECDSA").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "chain.pem").write_bytes(private + public.encode())
    (tmp_path / "ca.pem").write_text(public)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), PolicyServer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with running(server):
        yield server.server_port, str(tmp_path / "ca.pem")


def test_a_policy_is_fetched_as_senders_do(policy_host: tuple[int, str]) -> None:
    port, ca_file = policy_host
    page = Web(port, 10, ca_file).policy("mta-sts.ok.test", "127.0.0.1")
    assert page == Page(None, 200, "text/plain", POLICY)
    other = Web(port, 10, ca_file).policy("mta-sts.other.test", "127.0.0.1")
    assert "its certificate: Hostname mismatch" in str(other.error)
    strange = Web(port, 10).policy("mta-sts.ok.test", "127.0.0.1")
    assert strange.error == "its certificate: self-signed certificate"
