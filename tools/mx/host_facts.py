"""What hosts that a stack does not know yet tell of their keys, for `mx adopt`.

Where the state is lost, the hosts go on with their DKIM and TLS keys, and DNS announces these.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable

from components.dns import data as dns_data
from components.dns.records import Facts
from components.services.spam_filter.component import dkim_lines
from components.settings.environment import Settings

from . import hosts

# The DKIM record of each line of stdin, a line each; then the digests of the TLS keys as JSON.
_SCRIPT = """
while read -r line; do
  printf '%s\\n' "$line" | /usr/local/lib/mx/dkim-keys show 2>/dev/null || :
  echo
done
/usr/local/sbin/mx-certificates keys 2>/dev/null || :
"""
_DKIM = re.compile(r"v=DKIM1; k=rsa; p=[A-Za-z0-9+/]+={0,2}")
_SLOT, _DIGEST = re.compile(r"(ecdsa|rsa)-[ab]"), re.compile(r"[0-9A-F]{64}")


def read(settings: Settings, asked: Iterable[str]) -> Facts:
    """The keys of these hosts. What a host does not tell is left out.

    Raises pulumi.RunError when a host's key is not in the known_hosts file.
    """
    dkim, tlsa = {}, {}
    line = f"{hosts.sudo(settings)}sh -c {shlex.quote(_SCRIPT)}"
    for host in asked:
        lines = dkim_lines(settings, host)
        _, out, _ = hosts.run(settings, [host], line, "".join(lines.values()))[host]
        told = out.split("\n")
        dkim[host] = {
            domain: dns_data.txt(text)
            for domain, text in zip(lines, told, strict=False)
            if _DKIM.fullmatch(text)
        }
        tlsa[host] = _digests("\n".join(told[len(lines) :]))
    return Facts(dkim=dkim, tlsa=tlsa)


def _digests(text: str) -> dict[str, str]:
    """The SHA-256 of each key by its slot, from what `mx-certificates keys` prints."""
    try:
        slots = json.loads(text)["slots"]
        found = {
            f"{algorithm}-{slot}": str(digest)
            for algorithm, its in slots.items()
            for slot, digest in its.items()
        }
    except (ValueError, LookupError, AttributeError, TypeError):
        return {}
    return {
        slot: digest
        for slot, digest in found.items()
        if _SLOT.fullmatch(slot) and _DIGEST.fullmatch(digest)
    }
