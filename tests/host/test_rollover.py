"""A rollover of all keys by one `up`, watched from outside: what is served is always announced."""

from __future__ import annotations

import hashlib
import json
import smtplib
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dns import query
from dns.message import make_query

from lab.topology import AUTHORITATIVE, MX1, MX2, Host, ipv4

from .conftest import Ssh
from .test_stack import stack_file

__all__ = ["stack_file"]

pytestmark = pytest.mark.host

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
CIPHERS = {"ecdsa": "ECDHE+aECDSA", "rsa": "ECDHE+aRSA"}
# The keys have been announced for longer than two TTLs, says the note of when they were seen.
AGE = "sed -i -E 's/: \"20[0-9]{2}-/: \"2020-/g' /var/lib/mx/certificates/announced.json"


def announced(host: Host) -> set[str]:
    answer = query.udp(make_query(f"_25._tcp.{host.fqdn}", "TLSA"), ipv4(AUTHORITATIVE), 5).answer
    return {record.cert.hex().upper() for record in answer[0]}


def served(host: Host, algorithm: str) -> str:
    """The digest of the key that a sender of one algorithm sees."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS[algorithm])
    with smtplib.SMTP(host.address, 25, "out.sender.test", timeout=60) as client:
        client.starttls(context=context)
        assert isinstance(client.sock, ssl.SSLSocket)
        der = client.sock.getpeercert(binary_form=True) or b""
    key = x509.load_der_x509_certificate(der).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest().upper()


@contextmanager
def watched() -> Iterator[tuple[list[str], set[str]]]:
    """Meanwhile: faults, and every digest that was served."""
    faults: list[str] = []
    seen: set[str] = set()
    stop = threading.Event()

    def watch(host: Host) -> None:
        while not stop.is_set():
            for algorithm in CIPHERS:
                try:
                    before = announced(host)
                    digest = served(host, algorithm)
                except (OSError, smtplib.SMTPException) as error:
                    faults.append(f"{host.name}: {error}")
                    continue
                seen.add(digest)
                if digest not in before:
                    faults.append(f"{host.name} serves {digest}, which was not announced")
            stop.wait(0.2)

    threads = [threading.Thread(target=watch, args=[host]) for host in (MX1, MX2)]
    for thread in threads:
        thread.start()
    try:
        yield faults, seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_one_up_switches_all_keys_and_changes_one_record_of_each(
    pulumi: Pulumi, ssh: Ssh, stack_file: Path
) -> None:
    keys = {}
    for host in (MX1, MX2):
        keys[host] = json.loads(ssh(host.name, "mx-certificates keys"))
        ssh(host.name, f"mx-certificates renew && {AGE}")
    note = "/var/lib/dehydrated/certs/mx1.example.test_rsa/rollover"
    done = ssh("mx1", f"if test -e {note}; then cat {note}; else echo 0; fi")
    text = stack_file.read_text()
    wanted = f"    certificates:\n      rollover: {int(done) + 1}\n"
    stack_file.write_text(text.replace("    certificates:\n", wanted))
    with watched() as (faults, seen):
        up = pulumi("up", "--yes", "--skip-preview", "--json")
    assert up.returncode == 0, up.stdout + up.stderr
    assert faults == []
    for host in (MX1, MX2):
        now = json.loads(ssh(host.name, "mx-certificates keys"))
        for algorithm in CIPHERS:
            old, new = keys[host]["keys"][algorithm], now["keys"][algorithm]
            assert served(host, algorithm) == new["current"] == old["next"]
            assert {old["current"], new["current"]} <= seen
            slots = now["slots"][algorithm]
            changed = [key for key in slots if slots[key] != keys[host]["slots"][algorithm][key]]
            assert [keys[host]["slots"][algorithm][key] for key in changed] == [old["current"]]
        assert announced(host) == {
            digest for pair in now["keys"].values() for digest in pair.values()
        }
