"""TLS and MTA-STS on real hosts, seen from outside."""

from __future__ import annotations

import http.client
import smtplib
import socket
import ssl

import pytest
from dns import query
from dns.message import make_query

from lab.acme import ROOTS
from lab.topology import AUTHORITATIVE, MX1, MX2, Host, ipv4, ipv6

from .conftest import Ssh

pytestmark = pytest.mark.host

NAME = "mta-sts.example.test"
CIPHERS = {"ecdsa": "ECDHE+aECDSA", "rsa": "ECDHE+aRSA"}
ADDRESSES = [
    pytest.param(host, address, id=f"{host.name}-{family}")
    for host in (MX1, MX2)
    for family, address in (("ipv4", host.address), ("ipv6", ipv6(host.numbers[0])))
]


def context(algorithm: str) -> ssl.SSLContext:
    """Trusts the lab's authority only; TLS 1.2, where a suite names the algorithm."""
    made = ssl.create_default_context(cafile=str(ROOTS))
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(CIPHERS[algorithm])
    return made


@pytest.mark.parametrize("algorithm", CIPHERS)
@pytest.mark.parametrize(("host", "address"), ADDRESSES)
def test_starttls_serves_both_algorithms_on_every_address(
    lab: dict[str, str], host: Host, address: str, algorithm: str
) -> None:
    made = context(algorithm)
    with smtplib.SMTP(address, 25, "out.sender.test", timeout=30) as client:
        client._host = host.fqdn  # type: ignore[attr-defined]  # what the certificate must name
        client.starttls(context=made)
        assert client.ehlo()[0] == 250


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_an_old_client_is_refused(lab: dict[str, str], version: ssl.TLSVersion) -> None:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        made.minimum_version = version
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        made.maximum_version = version
    with smtplib.SMTP(MX1.address, 25, "out.sender.test", timeout=30) as client:
        with pytest.raises(ssl.SSLError):
            client.starttls(context=made)
        client.close()


def policy(address: str, algorithm: str) -> str:
    """The policy as a sender gets it from one address."""
    with (
        socket.create_connection((address, 443), 30) as link,
        context(algorithm).wrap_socket(link, server_hostname=NAME) as tls,
    ):
        tls.sendall(
            f"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: {NAME}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        answer = http.client.HTTPResponse(tls)
        answer.begin()
        assert answer.status == 200
        assert answer.headers.get_content_type() == "text/plain"
        return answer.read().decode()


@pytest.mark.parametrize("algorithm", CIPHERS)
@pytest.mark.parametrize(("host", "address"), ADDRESSES)
def test_every_address_serves_the_policy_of_the_real_mx_set(
    lab: dict[str, str], host: Host, address: str, algorithm: str
) -> None:
    question = make_query("example.test", "MX")
    answer = query.udp(question, ipv4(AUTHORITATIVE), 5)
    names = {str(record.exchange).rstrip(".") for record in answer.answer[0]}
    lines = policy(address, algorithm).splitlines()
    assert {line.removeprefix("mx: ") for line in lines if line.startswith("mx: ")} == names
    assert "mode: enforce" in lines


def test_another_name_gets_no_certificate(lab: dict[str, str]) -> None:
    made = ssl.create_default_context(cafile=str(ROOTS))
    with (
        socket.create_connection((MX1.address, 443), 30) as link,
        pytest.raises(ssl.SSLError, match="unrecognized"),
        made.wrap_socket(link, server_hostname="other.example.test"),
    ):
        pass


def test_nothing_listens_on_port_80(ssh: Ssh) -> None:
    listening = ssh("mx1", "ss -H -ltn").split()
    assert any(address.endswith(":443") for address in listening)
    assert not any(address.endswith(":80") for address in listening)


def test_a_sender_that_validates_dane_delivers_verified(ssh: Ssh) -> None:
    ssh("internet", "posttls-finger -c -l dane-only -L summary example.test 2>&1 | tee /run/finger")
    said = ssh("internet", "cat /run/finger")
    assert "Verified TLS connection established" in said
