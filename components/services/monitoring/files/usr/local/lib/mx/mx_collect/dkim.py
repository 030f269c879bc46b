"""Whether the DKIM keys that this host signs with are the published ones (RFC 6376)."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import dns.resolver

from .metrics import Metrics

KEYS = Path("/usr/local/lib/mx/dkim-keys")


def collect(metrics: Metrics, config: dict[str, Any]) -> None:
    """Compare host and DNS. Raises CalledProcessError for a key that is not there."""
    if not KEYS.exists():  # the spam filter comes after this collector, the first time
        return
    for domain, selector in config["dkim"].items():
        done = subprocess.run(
            [KEYS, "show"],
            input=f"{domain} {selector}\n",
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=30,
        )
        matches = key(done.stdout) in _published(f"{selector}._domainkey.{domain}")
        metrics.add("mx_dkim_matches", "The key is the published one.", matches, domain=domain)


def key(record: str) -> str:
    """The public key of a record, without space; empty when it has none."""
    tags = (tag.partition("=") for tag in record.split(";"))
    found = {name.strip(): "".join(value.split()) for name, _, value in tags}
    return found.get("p", "")


def _published(name: str) -> set[str]:
    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=10)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return set()
    return {key(b"".join(record.strings).decode("ascii", "replace")) for record in answer}
