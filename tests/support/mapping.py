"""A small stack file as a mapping: two MX hosts, one mailbox host, one domain."""

from __future__ import annotations

from typing import Any

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ1z5zvW0mCkqxqQ5xqJmL5m0p5m0p5m0p5m0p5m0p5"


def mapping() -> dict[str, Any]:
    return {
        "hosts": {
            "mx1": {"hostname": "mx1.example.test", "ipv4": "198.18.77.11", "hostKey": KEY},
            "mx2": {"hostname": "mx2.example.test", "ipv4": "198.18.77.12", "hostKey": KEY},
        },
        "mailboxHosts": {"mailbox1": {"hostname": "mailbox1.example.test"}},
        "dns": {"zones": {"example.test": "0" * 32}},
        "domains": {"example.test": {"mailboxHost": "mailbox1", "recipients": ["alice"]}},
    }
