"""What DNS and the world have of this host and its next hops (RFC 5782, RFC 8461)."""

from __future__ import annotations

import fnmatch
import hashlib
import ssl
import urllib.error
import urllib.request
from ipaddress import ip_address
from typing import Any

import dns.resolver
import dns.reversename

from .metrics import Metrics

_NONE = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer)


def collect(metrics: Metrics, config: dict[str, Any]) -> None:
    """Ask the host's resolver. Raises dns.exception.DNSException when it does not answer."""
    for zone in config["blockLists"]:
        for address in config["addresses"]:
            _listed(metrics, zone, address)
    for name in config["nextHops"]:
        _next_hop(metrics, name)
    for domain in config["domains"]:
        _policy(metrics, domain, config["hostname"], config["policies"].get(domain))


def _listed(metrics: Metrics, zone: str, address: str) -> None:
    family = f"ipv{ip_address(address).version}"
    reverse = dns.reversename.from_address(address).to_text().rsplit(".", 3)[0]
    codes = _texts(f"{reverse}.{zone}", "A")
    # 127.255.255.0/24 is an answer to the resolver, not about the address (Spamhaus).
    refused = any(code.startswith("127.255.255.") for code in codes)
    metrics.add(
        "mx_block_list_refuses",
        "The list does not answer this resolver.",
        refused,
        list=zone,
        family=family,
    )
    if not refused:
        listed = any(code.startswith("127.") for code in codes)
        metrics.add(
            "mx_block_list_listed",
            "The host's address is listed.",
            listed,
            list=zone,
            family=family,
        )


def _next_hop(metrics: Metrics, name: str) -> None:
    try:
        found = any(_texts(name, kind) for kind in ("A", "AAAA"))
    except dns.resolver.NoNameservers:  # SERVFAIL: a signature of its zone is bogus, for example
        found = False
    metrics.add("mx_next_hop_has_address", "DNS has an address of it.", found, name=name)


def _policy(metrics: Metrics, domain: str, hostname: str, applied: str | None) -> None:
    """`applied`: the id of the policy that the host was given, None where others serve it."""
    texts = [text for text in _texts(f"_mta-sts.{domain}", "TXT") if text.startswith("v=STSv1")]
    if not texts and applied is None:
        return
    served = _fetch(domain)
    lines = served.decode("ascii", "replace").split("\n")
    fields = [tuple(part.strip() for part in line.partition(":")[::2]) for line in lines]
    valid = ("version", "STSv1") in fields
    metrics.add("mx_policy_reachable", "The policy can be fetched.", valid, domain=domain)
    if applied is not None:
        published = {part.strip() for text in texts for part in text.split(";")}
        same = f"id={applied}" in published and len(texts) == 1
        if valid:  # our ids are made of the text
            same = same and hashlib.sha256(served).hexdigest().startswith(applied)
        metrics.add(
            "mx_policy_id_matches",
            "The record and the served policy are those that were applied.",
            same,
            domain=domain,
        )
    if not valid:
        return
    names = [value for key, value in fields if key == "mx"]
    covered = any(fnmatch.fnmatchcase(hostname, name) for name in names)
    metrics.add("mx_policy_covers_host", "The policy has this host.", covered, domain=domain)
    for key, value in fields:
        if key == "max_age" and value.isdigit():
            metrics.add("mx_policy_max_age_seconds", "Its max_age.", int(value), domain=domain)


def _fetch(domain: str) -> bytes:
    """The policy as senders get it; nothing when they do not."""
    url = f"https://mta-sts.{domain}/.well-known/mta-sts.txt"
    try:
        with urllib.request.urlopen(url, timeout=20, context=ssl.create_default_context()) as reply:
            return bytes(reply.read(65536))
    except (urllib.error.URLError, OSError):
        return b""


def _texts(name: str, kind: str) -> list[str]:
    try:
        answer = dns.resolver.resolve(name, kind, lifetime=10)
    except _NONE:
        return []
    return [record.to_text().strip('"') for record in answer]
