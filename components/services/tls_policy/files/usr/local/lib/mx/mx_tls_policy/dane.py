"""Which MX hosts of a domain DANE binds, asked of the validating resolver on this host.

What "secure" means is the resolver's word, its AD bit: it is reached on loopback only. Sources:
RFC 7672 section 2.2, RFC 6698 section 2.1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode

RESOLVER = "127.0.0.1"
# The resolver itself gives up earlier; a domain whose servers are silent is tried again later.
_TIMEOUT_SECONDS = 20.0


class LookupFailed(Exception):
    """The resolver gave no answer that can be used: SERVFAIL, which bogus is too, or silence."""


@dataclass(frozen=True)
class Answer:
    """Records of one name and type; none where there are none. `name`: after all CNAMEs."""

    name: str
    secure: bool
    exists: bool = True
    records: list[Any] = field(default_factory=list)


Resolve = Callable[[str, str], Awaitable[Answer]]


async def resolve(name: str, kind: str) -> Answer:
    """Ask the resolver. Raises LookupFailed."""
    try:
        question = dns.message.make_query(name, kind)
        # "Say whether you validated this" (RFC 6840 section 5.7); signatures are not needed.
        question.flags |= dns.flags.AD
        said, _ = await dns.asyncquery.udp_with_fallback(question, RESOLVER, _TIMEOUT_SECONDS)
        if said.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise LookupFailed(f"{name} {kind}: {dns.rcode.to_text(said.rcode())}")
        if not isinstance(said, dns.message.QueryMessage):
            raise LookupFailed(f"{name} {kind}: not an answer to a query")
        secure = bool(said.flags & dns.flags.AD)
        if said.rcode() == dns.rcode.NXDOMAIN:
            return Answer(name, secure, exists=False)
        chain = said.resolve_chaining()
        records = list(chain.answer) if chain.answer is not None else []
        return Answer(chain.canonical_name.to_text(omit_final_dot=True), secure, True, records)
    except (dns.exception.DNSException, OSError, UnicodeError) as error:
        raise LookupFailed(f"{name} {kind}: {error}") from None


def usable(record: Any) -> bool:
    """Whether Postfix can use a TLSA record: DANE-TA or DANE-EE (RFC 7672 section 3.1)."""
    return record.usage in (2, 3) and record.selector in (0, 1) and record.mtype in (0, 1, 2)


async def binds(host: str, port: int, ask: Resolve) -> bool | None:
    """Whether DANE binds an MX host; None for a host without an address that can be found.

    A TLSA lookup that fails binds: Postfix does not deliver to such a host, and nobody may take
    DANE away by keeping answers back (RFC 7672 section 2.1.2). Where addresses are not signed no
    TLSA is asked for, since servers of such zones often fail at it (section 2.2.2).
    """
    found = await asyncio.gather(
        *(ask(host, kind) for kind in ("A", "AAAA")), return_exceptions=True
    )
    for each in found:
        if isinstance(each, BaseException) and not isinstance(each, LookupFailed):
            raise each
    addresses = [each for each in found if isinstance(each, Answer) and each.records]
    if not addresses:
        return None
    if not all(each.secure for each in addresses):
        return False
    # The base is the name after all CNAMEs, then the one in the MX record.
    for name in dict.fromkeys([addresses[0].name, host]):
        try:
            records = await ask(f"_{port}._tcp.{name}", "TLSA")
        except LookupFailed:
            return True
        if records.secure and records.records:
            return any(usable(record) for record in records.records)
    return False
