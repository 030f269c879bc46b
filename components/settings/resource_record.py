"""One record of a trust anchor or a root hint, as a line of a master file.

Sources: RFC 1035 section 5 (master files, here one record a line), RFC 4034 sections 2 and 5.
"""

from __future__ import annotations

import re
from collections.abc import Collection

ANCHORS, HINTS = ("DS", "DNSKEY"), ("NS", "A", "AAAA")
_RECORD = re.compile(
    r"(?P<name>[A-Za-z0-9_.-]{1,254})\s+(?:(?P<ttl>[0-9]{1,10})\s+)?(?:IN\s+)?"
    r"(?:(?P<later>[0-9]{1,10})\s+)?(?P<type>[A-Z]{1,10})\s+(?P<data>[ -~\t]+)"
)


def fault_of(line: str, types: Collection[str]) -> str | None:
    """What is wrong with a line as a record of one of these types; it is not quoted."""
    import dns.exception
    import dns.name
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype

    expected = f"not a record `NAME TTL IN TYPE DATA` of type {' or '.join(types)}"
    found = _RECORD.fullmatch(line.partition(";")[0].strip())
    if found is None or found["type"] not in types or (found["ttl"] and found["later"]):
        return expected
    try:
        dns.name.from_text(found["name"])
        kind = dns.rdatatype.from_text(found["type"])
        dns.rdata.from_text(dns.rdataclass.IN, kind, found["data"])
    except (dns.exception.DNSException, ValueError):
        return expected
    return None
