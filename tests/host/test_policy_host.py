"""nginx on an MX host under hostile requests: strangers get the MTA-STS policy alone."""

from __future__ import annotations

import socket
import ssl

import pytest

from lab.topology import MX1

pytestmark = pytest.mark.host

NAME = "mta-sts.example.test"
POLICY = "/.well-known/mta-sts.txt"
METHODS = ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "FOO")
PATHS = (
    *("/", "/.well-known/", "/status", "/nginx_status", "/.git/config", "//etc/passwd"),
    *("/.well-known/acme-challenge/x", "/.well-known/acme-challenge/../../../../etc/passwd"),
    *(f"{POLICY}/../../../etc/passwd", f"{POLICY}../x", f"{POLICY}%00.html", "/%2e%2e/etc/passwd"),
    *("/.well-known/..%2f..%2f..%2fetc%2fpasswd", "/.well-known\\mta-sts.txt", "/" + "a" * 100000),
)
HOSTS = ("evil.test", "127.0.0.1", "mx1.example.test", "", "localhost")
BODIES = {
    "smuggled": "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"
    f"GET {POLICY} HTTP/1.1\r\nHost: {NAME}\r\n\r\n",
    "long headers": "".join(f"X-{n}: {'a' * 4000}\r\n" for n in range(50)) + "\r\n",
    "huge body": "Content-Length: 99999999999\r\n\r\n",
}
# Suites without forward secrecy or without authenticated encryption, and one of DHE.
WEAK = (
    *("AES128-SHA", "AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256"),
    *("DHE-RSA-AES256-GCM-SHA384", "aNULL:@SECLEVEL=0"),
)


def context() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def answer(method: str = "GET", path: str = POLICY, host: str = NAME, rest: str = "\r\n") -> bytes:
    """All that mx1 answers to one request; nothing where it closes the connection."""
    said = b""
    with (
        socket.create_connection((MX1.address, 443), 30) as link,
        context().wrap_socket(link, server_hostname=NAME) as tls,
    ):
        request = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{rest}"
        try:
            tls.sendall(request.encode())
            while part := tls.recv(65536):
                said += part
        except OSError:  # it closed before it read everything
            pass
    return said


def test_nothing_but_the_policy_is_served(lab: dict[str, str]) -> None:
    assert answer().startswith(b"HTTP/1.1 200 ")
    wrong = [
        *(answer(method=method) for method in METHODS),
        *(answer(path=path) for path in PATHS),
        *(answer(host=host) for host in HOSTS),
        *(answer(path="/", rest=rest) for rest in BODIES.values()),
    ]
    assert {said[:12] for said in wrong} <= {b"", *(b"HTTP/1.1 4%02d" % n for n in range(100))}
    # One answer each, so none to a request in the body of another; and no page of the package.
    assert max(said.count(b"HTTP/1.1 ") for said in wrong) == 1
    assert not any(b"Welcome" in said or b"root:" in said for said in wrong)


@pytest.mark.parametrize("suites", WEAK)
def test_a_suite_that_postfix_refuses_is_refused_by_nginx(lab: dict[str, str], suites: str) -> None:
    weak = context()
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers(suites)
    with (
        socket.create_connection((MX1.address, 443), 30) as link,
        pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"),
    ):
        weak.wrap_socket(link, server_hostname=NAME)
