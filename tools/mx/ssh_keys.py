"""Host keys of SSH as a host shows them, and their fingerprints."""

from __future__ import annotations

import base64
import binascii
import hashlib
import subprocess

_SECONDS = 8


def scan(address: str, port: int = 22) -> dict[str, str]:
    """The keys that a host shows now, by type: `{"ssh-ed25519": "AAAA..."}` (ssh-keyscan(1)).

    Empty when the host does not answer. Whoever is in between may answer in its place: a person
    must compare the fingerprint.
    """
    done = subprocess.run(
        ["ssh-keyscan", "-T", str(_SECONDS), "-p", str(port), "-t", "ed25519,ecdsa,rsa", address],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    found = {}
    for line in done.stdout.split("\n"):
        fields = line.split()
        if len(fields) == 3 and not line.startswith("#"):
            found[fields[1]] = fields[2]
    return found


def best(keys: dict[str, str]) -> str:
    """The key to pin, as type and base64; ed25519 first. Empty when there is none."""
    for kind in ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"):
        if kind in keys:
            return f"{kind} {keys[kind]}"
    return ""


def fingerprint(key: str) -> str:
    """The fingerprint as `ssh-keygen -l` shows it: `SHA256:...` without padding."""
    try:
        blob = base64.b64decode(key.split()[1], validate=True)
    except (IndexError, binascii.Error):
        return "unreadable"
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
