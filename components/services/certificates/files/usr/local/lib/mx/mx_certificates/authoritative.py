"""What every authoritative server of a zone answers, one by one.

A certificate authority may ask any of them, so one that is late makes the challenge fail.
"""

from __future__ import annotations

import time

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import dns.resolver

from . import Trouble

QUESTION_TIMEOUT_SECONDS = 3.0
PAUSE_SECONDS = 1.0


def wait_for_txt(zone: str, name: str, text: str, timeout: float) -> None:
    """Return when all servers answer `text` at `name`. Raises Trouble naming those that do not."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            late = [server for server in _servers(zone) if not _answers(server, name, text)]
        except dns.exception.DNSException as error:
            late, reason = [zone], f"cannot find its name servers: {error}"
        else:
            if not late:
                return
            reason = f"no answer with the challenge from {', '.join(sorted(late))}"
        if time.monotonic() >= deadline:
            raise Trouble(f"DNS: {name}: {reason} within {timeout:g} s")
        time.sleep(PAUSE_SECONDS)


def tlsa(zone: str, name: str) -> tuple[set[str], set[str], int]:
    """TLSA 3 1 1 of a name: digests (upper-case hex) that all servers have, that any has, the TTL.

    The TTL, in seconds, is the longest of them. Raises Trouble when a server does not answer.
    """
    found: list[set[str]] = []
    ttl = 0
    try:
        for server in _servers(zone):
            for address in _addresses(server):
                try:
                    answer = _ask(address, name, "TLSA").answer
                except OSError:
                    continue
                sets = [group for group in answer if group.rdtype == dns.rdatatype.TLSA]
                found.append({one.cert.hex().upper() for group in sets for one in group})
                ttl = max([ttl, *(group.ttl for group in sets)])
    except dns.exception.DNSException as error:
        raise Trouble(f"DNS: {name}: its TLSA records cannot be read: {error}") from None
    if not found:
        raise Trouble(f"DNS: {name}: no name server of {zone} can be reached")
    return set.intersection(*found), set.union(*found), ttl


def _servers(zone: str) -> list[str]:
    return [str(ns.target) for ns in dns.resolver.resolve(zone, "NS")]


def _answers(server: str, name: str, text: str) -> bool:
    """Whether a server answers the text on every address that can be reached, and on one."""
    found = []
    for address in _addresses(server):
        try:
            found.append(_has(address, name, text))
        except dns.exception.Timeout:
            found.append(False)
        except OSError:
            # No route: this host has no IPv6, say. The other addresses decide.
            continue
    return bool(found) and all(found)


def _addresses(server: str) -> list[str]:
    found = []
    for kind in ("AAAA", "A"):
        try:
            found += [str(one) for one in dns.resolver.resolve(server, kind)]
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            continue
    return found


def _ask(address: str, name: str, kind: str) -> dns.message.Message:
    question = dns.message.make_query(name, kind)
    return dns.query.udp_with_fallback(question, address, QUESTION_TIMEOUT_SECONDS)[0]


def _has(address: str, name: str, text: str) -> bool:
    return any(
        b"".join(record.strings).decode() == text
        for group in _ask(address, name, "TXT").answer
        if group.rdtype == dns.rdatatype.TXT
        for record in group
    )
