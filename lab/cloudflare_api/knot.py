"""The zones in a Knot DNS beside the double, and their signing."""

from __future__ import annotations

import base64
import re
import secrets
import subprocess
from collections.abc import Container
from typing import Any

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from .errors import ApiError
from .records import AUTOMATIC_TTL, Records, rdata


class Knot:
    """The zones of a local Knot DNS, changed through its control tool."""

    HARMLESS = re.compile(r"already exists|no such (record|node)|such record", re.IGNORECASE)

    def __init__(self, knotc: str = "knotc", keymgr: str = "keymgr") -> None:
        self._knotc, self._keymgr = knotc, keymgr

    def _run(self, *words: str) -> tuple[bool, str]:
        try:
            done = subprocess.run([self._knotc, *words], capture_output=True, text=True, timeout=30)
        except (OSError, subprocess.TimeoutExpired) as error:
            return False, str(error)
        return done.returncode == 0, (done.stderr + done.stdout).strip()

    def _must(self, *words: str, harmless: bool = False) -> None:
        done, text = self._run(*words)
        if not done and not (harmless and self.HARMLESS.search(text)):
            raise ApiError(400, 1004, f"DNS Validation Error: {' '.join(words)}: {text}")

    def apply(self, zone: str, old: Records, new: Records) -> None:
        """Bring the zone from the old records to the new ones, all or nothing."""
        # A record that changed is another object.
        changes = [
            record
            for one, other in ((old, new), (new, old))
            for key, record in one.items()
            if other.get(key) is not record
        ]
        names = {record["name"] for record in changes}
        before, after = _sets(old, names), _sets(new, names)
        changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        if not changed:
            return
        if not self._run("zone-begin", zone)[0]:
            self._run("zone-abort", zone)
            self._must("zone-begin", zone)
        try:
            for owner, kind in changed:
                for _, data in before.get((owner, kind), ()):
                    self._must("zone-unset", zone, f"{owner}.", kind, data, harmless=True)
            for owner, kind in changed:
                for ttl, data in after.get((owner, kind), ()):
                    self._must("zone-set", zone, f"{owner}.", str(ttl), kind, data, harmless=True)
            self._must("zone-commit", zone)
        except ApiError:
            self._run("zone-abort", zone)
            raise

    def delegates(self, zone: str, tag: int) -> bool:
        """Whether the parent zone, which this Knot serves too, has a DS record of that key tag."""
        parent = dns.name.from_text(zone).parent().to_text()
        done, text = self._run("zone-read", parent, f"{zone}.", "DS")
        return done and re.search(rf" DS {tag} ", text) is not None

    def keys(self, zone: str) -> tuple[str, str] | None:
        """The zone's DS and DNSKEY in presentation form, if Knot signs it."""
        found = []
        for word, wanted in (("ds", r"DS \d+ \d+ 2 \S+"), ("dnskey", r"DNSKEY 257 \d+ \d+ .+")):
            try:
                done = subprocess.run(
                    [self._keymgr, zone, word], capture_output=True, text=True, timeout=30
                )
            except (OSError, subprocess.TimeoutExpired):
                return None
            match = re.search(wanted, done.stdout)
            if match is None:
                return None
            found.append(match[0].split(" ", 1)[1])
        return found[0], found[1]


def _sets(records: Records, names: Container[str]) -> dict[tuple[str, str], list[tuple[int, str]]]:
    """The record sets of these names: by name and type the lowest TTL with each one's data."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in records.values():
        if record["name"] in names:
            groups.setdefault((record["name"], record["type"]), []).append(record)
    result = {}
    for key, group in groups.items():
        ttl = min(AUTOMATIC_TTL if item["ttl"] == 1 else item["ttl"] for item in group)
        result[key] = sorted((ttl, rdata(item)) for item in group)
    return result


def dnssec_keys(zone: str, served: tuple[str, str] | None) -> dict[str, Any]:
    """What the API tells of a signed zone: Knot's key, else an invented one."""
    if served is None:
        text = base64.b64encode(secrets.token_bytes(64)).decode()
        dnskey = f"257 3 13 {text}"
    else:
        dnskey = served[1]
    key = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.DNSKEY, dnskey)
    made = dns.dnssec.make_ds(dns.name.from_text(zone), key, "SHA256").to_text()
    tag, algorithm, kind, digest = (served[0] if served else made).split(None, 3)
    digest = digest.replace(" ", "").upper()
    names = {"13": "ECDSAP256SHA256", "15": "ED25519", "8": "RSASHA256", "14": "ECDSAP384SHA384"}
    return {
        "flags": 257,
        "algorithm": algorithm,
        "key_type": names.get(algorithm, algorithm),
        "digest_type": kind,
        "digest_algorithm": "SHA256",
        "digest": digest,
        "ds": f"{zone}. 3600 IN DS {tag} {algorithm} {kind} {digest}",
        "key_tag": int(tag),
        "public_key": "".join(dnskey.split()[3:]),
    }
