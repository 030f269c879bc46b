"""A live zone in the lab: what others have there, and who looks at it all the time."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab import container
from lab.topology import CLOUDFLARE_ZONES, MAILBOX1
from tests.host.test_dns import api, records, served

NAME, OLD = "example3.test", "old.example3.test"
ZONE = CLOUDFLARE_ZONES[NAME]
SPF, DMARC = '"v=spf1 ip4:198.18.77.2 ~all"', '"v=DMARC1; p=none"'
UNRELATED = 1000
_BATCH = 100
_PEM = "/etc/postfix/old-mx.pem"


def theirs(digest: str) -> list[dict[str, Any]]:
    """The records of the live zone; `digest` is of the key that its MX serves (TLSA 3 1 1)."""
    tlsa = {"usage": 3, "selector": 1, "matching_type": 1, "certificate": digest}
    rows: list[dict[str, Any]] = [
        {"type": "A", "name": OLD, "content": MAILBOX1.address},
        {"type": "MX", "name": NAME, "content": OLD, "priority": 15},
        {"type": "TXT", "name": NAME, "content": SPF, "ttl": 120},
        {"type": "TXT", "name": NAME, "content": '"site-verification=1"'},
        {"type": "TXT", "name": f"_dmarc.{NAME}", "content": DMARC},
        {"type": "CNAME", "name": f"mta-sts.{NAME}", "content": "policy.sender.test"},
        {"type": "TLSA", "name": f"_25._tcp.{OLD}", "data": tlsa},
    ]
    rows += [
        {"type": "A", "name": f"h{number}.{NAME}", "content": "198.18.77.99"}
        for number in range(UNRELATED)
    ]
    return [{"ttl": 60} | row for row in rows]


def add(*rows: dict[str, Any]) -> None:
    """Make records at the API."""
    for begin in range(0, len(rows), _BATCH):
        api("POST", f"{ZONE}/dns_records/batch", {"posts": list(rows[begin : begin + _BATCH])})


def take_away(*keys: str) -> None:
    """Delete records at the API, by ID."""
    rows = [{"id": key} for key in keys]
    for begin in range(0, len(rows), _BATCH):
        api("POST", f"{ZONE}/dns_records/batch", {"deletes": rows[begin : begin + _BATCH]})


@contextmanager
def live(directory: Path) -> Iterator[dict[str, dict[str, Any]]]:
    """The records of the live zone, by ID; afterwards zone and mailbox host are as they were."""
    before = set(records(ZONE))
    with _tls(directory) as digest:
        add(*theirs(digest))
        try:
            yield {key: row for key, row in records(ZONE).items() if key not in before}
        finally:
            take_away(*(key for key in records(ZONE) if key not in before))


@contextmanager
def _tls(directory: Path) -> Iterator[str]:
    """The old MX, which is the mailbox host, serves TLS; yields its key's SHA-256.

    Its zone is signed: senders with DANE put off what goes to an MX whose key is another one.
    """
    key, chain = directory / "key.pem", directory / "chain.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", f"/CN={OLD}"),
            *("-keyout", key, "-out", chain),
        ],
        check=True,
        capture_output=True,
    )
    public = x509.load_pem_x509_certificate(chain.read_bytes()).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    (MAILBOX1.root / _PEM.lstrip("/")).write_text(key.read_text() + chain.read_text())
    given = ("smtpd_tls_security_level=may", f"smtpd_tls_chain_files={_PEM}")
    container.inside(MAILBOX1, ["postconf", "-e", *given])
    container.inside(MAILBOX1, ["sh", "-c", "postfix reload 2>&1"])
    try:
        yield hashlib.sha256(der).hexdigest()
    finally:
        names = [each.partition("=")[0] for each in given]
        container.inside(MAILBOX1, ["postconf", "-X", *names])
        container.inside(MAILBOX1, ["sh", "-c", "postfix reload 2>&1"])
        (MAILBOX1.root / _PEM.lstrip("/")).unlink()


class Watcher:
    """Counts the policies that the zone's server answers, again and again."""

    def __init__(self) -> None:
        self.spf: list[int] = []
        self.dmarc: list[int] = []
        self.exchangers: set[tuple[str, ...]] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._end.is_set():
            texts, policies = served(NAME, "TXT"), served(f"_dmarc.{NAME}", "TXT")
            self.spf.append(sum("v=spf1" in text for text in texts))
            self.dmarc.append(sum("v=DMARC1" in text for text in policies))
            self.exchangers.add(tuple(served(NAME, "MX")))
            self._end.wait(0.05)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
