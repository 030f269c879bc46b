"""mailbox1: the mailbox server behind the exchangers."""

from __future__ import annotations

from pathlib import Path

from lab import postfix
from lab.topology import DOMAINS, MAILBOX1, SUBDOMAINS


def configure(root: Path) -> None:
    """Let Postfix accept any recipient of the lab's domains."""
    domains = (*DOMAINS, *SUBDOMAINS, MAILBOX1.fqdn)
    postfix.configure(root, domains, {"myhostname": MAILBOX1.fqdn, "inet_interfaces": "all"})
