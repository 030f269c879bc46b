"""Whether Postfix and nginx serve the certificates that are on disk."""

from __future__ import annotations

import smtplib
import socket
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

from . import STATE, Trouble

PATIENCE_SECONDS = 30.0
_CIPHERS = {"ecdsa": "ECDHE+aECDSA", "rsa": "ECDHE+aRSA"}
_NGINX = Path("/etc/nginx/sites-enabled")
_UNITS = {"postfix": "postfix.service", "nginx": "nginx.service"}


def users(certificate: dict[str, Any]) -> list[str]:
    """The running services whose configuration names the certificate's file."""
    path = str(chain_file(certificate))
    found = []
    if _active("postfix"):
        command = ["postconf", "-hx", "smtpd_tls_chain_files"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if path in done.stdout.replace(",", " ").split():
            found.append("postfix")
    sites = _NGINX.glob("*") if _active("nginx") else []
    if any(path in site.read_text() for site in sites):
        found.append("nginx")
    return found


def _active(service: str) -> bool:
    command = ["systemctl", "is-active", "--quiet", _UNITS[service]]
    return subprocess.run(command, check=False).returncode == 0


def reload(services: set[str]) -> None:
    """Reload services. Raises Trouble with their words."""
    for service in sorted(services):
        command = ["systemctl", "reload", _UNITS[service]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Trouble(f"reload of {service}: {done.stderr.strip()}")


def chain_file(certificate: dict[str, Any]) -> Path:
    """Key and chain in one file, as smtpd_tls_chain_files and ssl_certificate take it."""
    return STATE / f"{certificate['alias']}.pem"


def verify(certificates: list[dict[str, Any]]) -> None:
    """Return when every service serves what is on disk. Raises Trouble, naming what differs."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        wrong = [words for one in certificates for words in differences(one)]
        if not wrong:
            return
        if time.monotonic() >= deadline:
            raise Trouble("; ".join(wrong))
        time.sleep(0.5)


def differences(certificate: dict[str, Any]) -> list[str]:
    """What serves another certificate than the one on disk, or none."""
    wrong = []
    for service in users(certificate):
        try:
            served = fetch(service, certificate["name"], certificate["algorithm"])
        except smtplib.SMTPResponseException as error:
            said = error.smtp_error
            text = said.decode(errors="replace") if isinstance(said, bytes) else said
            wrong.append(f"{service} answers {error.smtp_code} {text}")
            continue
        except (OSError, smtplib.SMTPException) as error:
            wrong.append(f"{service} does not serve {certificate['alias']}: {error}")
            continue
        if served != _first(chain_file(certificate)):
            wrong.append(f"{service} serves another certificate than {certificate['alias']}.pem")
    return wrong


def fetch(service: str, name: str, algorithm: str) -> bytes:
    """The certificate (DER) that a client of one algorithm gets on this host.

    TLS 1.2, where the cipher suite names the algorithm. Raises OSError, SMTPException.
    """
    context = ssl.create_default_context()
    # The question is which certificate, not whether it is trusted.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS[algorithm])
    if service == "nginx":
        with (
            socket.create_connection(("127.0.0.1", 443), 10) as link,
            context.wrap_socket(link, server_hostname=name) as tls,
        ):
            return tls.getpeercert(binary_form=True) or b""
    with smtplib.SMTP("127.0.0.1", 25, "localhost", timeout=30) as client:
        client.starttls(context=context)
        socket_ = client.sock
        if not isinstance(socket_, ssl.SSLSocket):
            raise OSError("no TLS")
        return socket_.getpeercert(binary_form=True) or b""


def _first(path: Path) -> bytes:
    text = path.read_text()
    begin = text.index("-----BEGIN CERTIFICATE-----")
    end = text.index("-----END CERTIFICATE-----", begin) + len("-----END CERTIFICATE-----")
    return ssl.PEM_cert_to_DER_cert(text[begin:end])
