"""Certificates on real hosts: dns-01 through the API double, from the lab's ACME authority."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID
from dns import query
from dns.message import make_query

from lab.acme import ROOTS, export_roots
from lab.topology import AUTHORITATIVE, CLOUDFLARE_TOKEN, HOSTS, MX1, ipv4

from .conftest import Ssh

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
NAMES = ("mx1.example.test", "mta-sts.example.test")
DNS = ipv4(AUTHORITATIVE)
LISTENING = "ss -ltn | grep -q 198.18.77.55:14000"
AUTHORITY_LISTENS = f"timeout 30 sh -c 'until {LISTENING}; do sleep 0.1; done'"


def pem(ssh: Ssh, name: str, algorithm: str) -> str:
    """The chain on disk, without its key."""
    path = f"/var/lib/mx/certificates/{name}_{algorithm}.pem"
    return ssh("mx1", f"openssl crl2pkcs7 -nocrl -certfile {path} | openssl pkcs7 -print_certs")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("algorithm", "kind"), [("ecdsa", "P-256"), ("rsa", "3072 bit")])
def test_both_algorithms_verify_under_the_authoritys_root(
    ssh: Ssh, tmp_path: Path, name: str, algorithm: str, kind: str
) -> None:
    chain = tmp_path / "chain.pem"
    chain.write_text(pem(ssh, name, algorithm))
    verify: list[str | Path] = ["openssl", "verify", "-CAfile", ROOTS, "-untrusted", chain]
    verify += ["-verify_hostname", name]
    done = subprocess.run([*verify, chain], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown = ["openssl", "x509", "-in", str(chain), "-noout", "-text"]
    assert kind in subprocess.run(shown, capture_output=True, text=True, check=True).stdout


def test_keys_and_token_are_roots_only(ssh: Ssh) -> None:
    files = "/var/lib/mx/certificates/*.pem /etc/mx/acme-dns-tokens.json"
    files += " /var/lib/dehydrated/certs/*/privkey.pem /var/lib/dehydrated/certs/*/next.pem"
    assert set(ssh("mx1", f"stat -Lc '%a %U:%G' {files}").splitlines()) == {"600 root:root"}
    searched = "/etc /var/lib/mx /var/lib/dehydrated /var/log /usr/local"
    found = ssh("mx1", f"grep -rlF {CLOUDFLARE_TOKEN} {searched} ; true").split()
    assert found == ["/etc/mx/acme-dns-tokens.json"]


@pytest.mark.parametrize("name", NAMES)
def test_no_challenge_stays_in_dns(lab: dict[str, str], name: str) -> None:
    answer = query.udp(make_query(f"_acme-challenge.{name}", "TXT"), DNS, 5)
    assert not answer.answer


def keys(ssh: Ssh) -> dict[str, Any]:
    return dict(json.loads(ssh("mx1", "mx-certificates keys"))["keys"])


def age(name: str, algorithm: str, left: int = 1) -> None:
    """What dehydrated keeps is a certificate of the same key with so many of 90 days left."""
    folder = MX1.root / "var/lib/dehydrated/certs" / f"{name}_{algorithm}"
    key = load_pem_private_key((folder / "privkey.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    now, subject = datetime.now(UTC), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=90 - left))
    made = made.not_valid_after(now + timedelta(days=left))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    (folder / "cert.pem").write_bytes(made.sign(key, SHA256()).public_bytes(Encoding.PEM))


@contextmanager
def senders(address: str, port: int) -> Iterator[list[str]]:
    """Meanwhile connections are made one after the other; afterwards the list has those refused."""
    refused: list[str] = []
    made, stop = [0], threading.Event()

    def connect() -> None:
        while not stop.is_set():
            try:
                with socket.create_connection((address, port), 30) as link:
                    if port == 25:
                        assert link.recv(4).startswith(b"220")
            except OSError as error:
                refused.append(f"{port}: {error}")
            made[0] += 1
            stop.wait(0.05)

    thread = threading.Thread(target=connect)
    thread.start()
    try:
        yield refused
    finally:
        stop.set()
        thread.join()
    assert made[0] > 5


def test_a_renewal_at_the_end_keeps_keys_and_refuses_nobody(ssh: Ssh) -> None:
    before = keys(ssh)
    old = {name: pem(ssh, name, "rsa") for name in NAMES}
    for name in NAMES:
        age(name, "rsa")
    with senders(MX1.address, 25) as smtp, senders(MX1.address, 443) as https:
        ssh("mx1", "systemctl start mx-certificates.service")
    assert smtp + https == []
    for name in NAMES:
        assert pem(ssh, name, "rsa") != old[name]
    said = ssh("mx1", "journalctl -q --no-pager -o cat -u mx-certificates.service -n 20")
    assert "mx1.example.test_rsa: asked for, because it ends" in said
    assert keys(ssh) == before
    question = make_query("_25._tcp.mx1.example.test", "TLSA")
    published = {each.cert.hex().upper() for each in query.udp(question, DNS, 5).answer[0]}
    assert {pair["current"] for pair in before.values()} <= published
    for entry in json.loads(ssh("mx1", "mx-certificates status")).values():
        assert entry["notServed"] == []
        assert entry["error"] == ""


def test_the_timer_waits_and_a_run_with_nothing_due_asks_nobody(ssh: Ssh) -> None:
    assert "mx-certificates.timer" in ssh("mx1", "systemctl list-timers --all")
    before = ssh("mx1", "stat -c %y /var/lib/dehydrated/certs/*/cert.pem")
    assert ssh("mx1", "mx-certificates renew") == ""
    assert ssh("mx1", "stat -c %y /var/lib/dehydrated/certs/*/cert.pem") == before


def test_digests_reach_the_stack_for_both_algorithms(
    pulumi: Pulumi, ssh: Ssh, lab: dict[str, str]
) -> None:
    shown = pulumi("stack", "export")
    assert shown.returncode == 0, shown.stderr
    resources = json.loads(shown.stdout)["deployment"]["resources"]
    read = next(one for one in resources if one["urn"].endswith("::mx1-certificate-keys"))
    known = json.loads(read["outputs"]["stdout"])["keys"]
    assert known == keys(ssh)
    assert {len(digest) for pair in known.values() for digest in pair.values()} == {64}


# What is broken on the lab's Internet, how it heals, and the word that the operator reads.
FAULTS = {
    "authority_refuses_the_name": (
        'sed -i \'s/"pebble": {/&"domainBlocklist": ["mx1.example.test"],/\' '
        f"/etc/pebble/mx-lab.json && systemctl restart pebble && {AUTHORITY_LISTENS}",
        "sed -i 's/\"domainBlocklist\": [^]]*],//' /etc/pebble/mx-lab.json && "
        "systemctl restart pebble",
        "name: the authority does not issue for it",
    ),
    "authority_is_not_trusted": (
        "openssl req -x509 -nodes -newkey rsa:2048 -subj /CN=acme.test -days 1 "
        "-addext subjectAltName=DNS:acme.test -keyout /run/bad.key -out /run/bad.pem 2>/dev/null; "
        "sed -i 's,/etc/pebble/server,/run/bad,' /etc/pebble/mx-lab.json && "
        f"systemctl restart pebble && {AUTHORITY_LISTENS}",
        "sed -i 's,/run/bad,/etc/pebble/server,' /etc/pebble/mx-lab.json && "
        "systemctl restart pebble",
        "its own certificate is not trusted",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_failed_renewal_keeps_the_old_certificate_and_names_the_reason(
    ssh: Ssh, case: str
) -> None:
    breaks, heals, words = FAULTS[case]
    alias = "mx1.example.test_ecdsa"
    old = pem(ssh, NAMES[0], "ecdsa")
    ssh("mx1", f"echo old > /var/lib/dehydrated/certs/{alias}/authority")
    ssh("internet", breaks)
    try:
        ssh("mx1", "! systemctl start mx-certificates.service")
        # What the exporter tells and the alert MxRenewalFailing is about.
        assert ssh("mx1", "systemctl is-failed mx-certificates.service") == "failed\n"
        said = ssh("mx1", "journalctl -q --no-pager -o cat -u mx-certificates.service -n 50")
        assert words in said
        assert CLOUDFLARE_TOKEN not in said
        entry = json.loads(ssh("mx1", "mx-certificates status"))[alias]
        assert words in entry["error"]
        assert entry["failingSince"]
        assert entry["notServed"] == []
        assert pem(ssh, NAMES[0], "ecdsa") == old
    finally:
        ssh("internet", heals)
        ssh("internet", AUTHORITY_LISTENS)
        export_roots(host.root for host in HOSTS)
    ssh("mx1", "systemctl start mx-certificates.service")
    assert pem(ssh, NAMES[0], "ecdsa") != old
    assert json.loads(ssh("mx1", "mx-certificates status"))[alias]["error"] == ""
