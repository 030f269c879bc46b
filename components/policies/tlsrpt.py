"""TLSRPT (RFC 8460 section 3): what is wrong with a record."""

from __future__ import annotations

from components.policies import tags

VERSION = "TLSRPTv1"


def faults(text: str) -> list[str]:
    """What makes senders ignore the record; empty when there is none."""
    found, wrong = tags.faults(text, VERSION)
    if not found:
        return wrong
    if not found.get("rua"):
        return [*wrong, "rua= is missing"]
    return wrong + tags.report_addresses(found["rua"], ("mailto", "https"))[1]
