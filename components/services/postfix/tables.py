"""Lookup tables of Postfix that are files; the others are in the database (sql_maps.py)."""

from __future__ import annotations

from components.settings.environment import Settings


def mynetworks(settings: Settings) -> str:
    """cidr_table(5) of the clients that may relay: loopback, then the trusted networks."""
    rows = ["127.0.0.0/8 permit", "::1/128 permit"]
    return "\n".join(rows + [f"{network} permit" for network in settings.postfix.mynetworks]) + "\n"
