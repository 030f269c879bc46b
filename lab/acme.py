"""Pebble: the ACME certificate authority of the lab's Internet."""

from __future__ import annotations

import hashlib
import json
import ssl
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from lab.system import run, wait_for, write
from lab.topology import ACME, ACME_NAME, AUTHORITATIVE, STATE, ipv4, ipv6

DIRECTORY_URL = f"https://{ACME_NAME}:14000/dir"
CA = STATE / "acme" / "ca.pem"
"""The authority that signed the certificate of the ACME server itself."""
ROOTS = STATE / "acme" / "roots.pem"
"""The authorities that sign what the ACME server issues; each start of it makes one."""


def ensure_ca() -> None:
    """Make the CA and the certificate of the ACME server unless they are there."""
    if CA.exists():
        return
    CA.parent.mkdir(parents=True, exist_ok=True)
    key = CA.with_name("ca.key")
    new: list[str | Path] = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-days", "365"]
    new += ["-pkeyopt", "ec_paramgen_curve:P-256"]
    # Without a key usage Python from 3.13 on refuses it as an authority (VERIFY_X509_STRICT).
    usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    run([*new, "-subj", "/CN=mx lab CA", *usage, "-keyout", key, "-out", CA])
    names = f"subjectAltName=DNS:{ACME_NAME},DNS:localhost,IP:{ipv4(ACME)},IP:{ipv6(ACME)}"
    signed: list[str | Path] = [
        "-CA",
        CA,
        "-CAkey",
        key,
        "-addext",
        names,
        "-addext",
        "basicConstraints=CA:FALSE",
    ]
    leaf: list[str | Path] = [
        "-keyout",
        CA.with_name("server.key"),
        "-out",
        CA.with_name("server.pem"),
    ]
    run([*new, "-subj", f"/CN={ACME_NAME}", *signed, *leaf])


def trust(root: Path, certificate: str) -> None:
    """Let a host trust an authority, as every Debian trusts the public ones."""
    name = hashlib.sha256(certificate.encode()).hexdigest()[:8]
    write(root / f"usr/local/share/ca-certificates/mx-lab-{name}.crt", certificate)
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    text = bundle.read_text()
    if certificate not in text:
        write(bundle, text + certificate)


def configure(root: Path) -> None:
    """Write Pebble's configuration and its unit."""
    write(root / "etc/pebble/server.pem", CA.with_name("server.pem").read_text())
    write(root / "etc/pebble/server.key", CA.with_name("server.key").read_text(), 0o600)
    settings = {
        "listenAddress": f"{ipv4(ACME)}:14000",
        "managementListenAddress": f"{ipv4(ACME)}:15000",
        "certificate": "/etc/pebble/server.pem",
        "privateKey": "/etc/pebble/server.key",
        "httpPort": 80,
        "tlsPort": 443,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
    }
    write(root / "etc/pebble/mx-lab.json", json.dumps({"pebble": settings}, indent=2) + "\n")
    write(
        root / "etc/systemd/system/pebble.service",
        "[Unit]\nDescription=Pebble, the lab's ACME certificate authority\n"
        "After=network.target unbound.service\n\n"
        "[Service]\nEnvironment=PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 PEBBLE_AUTHZREUSE=0\n"
        "ExecStart=/usr/bin/pebble -config /etc/pebble/mx-lab.json"
        # As public authorities do, it asks without a cache in between: two hosts may have a
        # challenge at the same name one after the other.
        f" -dnsserver {ipv4(AUTHORITATIVE)}:53\n"
        "Restart=on-failure\n\n[Install]\nWantedBy=multi-user.target\n",
    )


def export_roots(hosts: Iterable[Path]) -> None:
    """Let hosts, and those who read ROOTS, trust the root that Pebble issues under.

    To be called after each start of Pebble. What it issued before stays trusted.
    """
    context = ssl.create_default_context(cafile=str(CA))
    found: list[str] = []

    def fetched() -> bool:
        try:
            url = f"https://{ipv4(ACME)}:15000/roots/0"
            with urllib.request.urlopen(url, context=context, timeout=2) as answer:
                found.append(answer.read().decode())
        except OSError:
            return False
        return True

    wait_for("Pebble's root certificate", fetched, 60)
    known = ROOTS.read_text() if ROOTS.exists() else ""
    if found[-1] not in known:
        write(ROOTS, known + found[-1])
    for root in hosts:
        trust(root, found[-1])
