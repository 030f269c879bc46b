"""Look-ups in DNS: through a validating resolver, and at one server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.reversename

Outcome = Literal["found", "empty", "missing", "bogus", "failed"]
_EDNS_BYTES = 1232


@dataclass(frozen=True)
class Answer:
    """What DNS said: `empty` is NODATA, `missing` NXDOMAIN, `bogus` a failed validation.

    `values` are in presentation form, names without the final dot; a TXT value is one text.
    `secure`: the resolver validated it. `alias`: the name that a CNAME led to.
    `authoritative`: the server said so of itself.
    """

    outcome: Outcome
    values: tuple[str, ...] = ()
    secure: bool = False
    alias: str | None = None
    authoritative: bool = False

    @property
    def exists(self) -> bool:
        """Whether the name is there, with or without this type."""
        return self.outcome in ("found", "empty")


# Of an IPv6 address (RFC 4007, section 11); ipaddress takes any text.
_SCOPE = re.compile(r"[0-9A-Za-z_.-]*")


class NoResolver(Exception):
    """This machine names no resolver."""


def address(text: str) -> str:
    """An IP address as it was given, else ValueError."""
    try:
        ip_address(text)
        if not _SCOPE.fullmatch(text.partition("%")[2]):
            raise ValueError
    except ValueError:
        raise ValueError(f"{text!r} is no IP address") from None
    return text


def place(text: str) -> tuple[str, int]:
    """Address and port of a resolver that is given as ADDRESS or ADDRESS@PORT, else ValueError."""
    server, at, port = text.partition("@")
    try:
        address(server)
        if at and not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
            raise ValueError
    except ValueError:
        raise ValueError(f"{text!r} is no IP address, nor IP@PORT") from None
    return server, int(port or 53)


class Names:
    """DNS as a validating resolver and single servers tell it; each question is asked once."""

    def __init__(self, resolver: str | None, seconds: float) -> None:
        """`resolver` is ADDRESS or ADDRESS@PORT; None takes that of this machine.

        `server` names the resolver for people. Raises NoResolver, and ValueError as `place`.
        """
        self._server, self._port = _of_this_machine() if resolver is None else place(resolver)
        self._seconds = seconds
        self.server = f"{self._server}, port {self._port}"
        self._seen: dict[tuple[str, str, str], Answer] = {}

    def ask(self, name: str, kind: str) -> Answer:
        """What the resolver says."""
        key = (name, kind, "")
        if key not in self._seen:
            answer = self._query(self._server, self._port, name, kind, dns.flags.RD | dns.flags.AD)
            if answer.outcome == "failed":
                unchecked = dns.flags.RD | dns.flags.CD
                second = self._query(self._server, self._port, name, kind, unchecked)
                if second.outcome != "failed":
                    answer = Answer("bogus", second.values)
            self._seen[key] = answer
        return self._seen[key]

    def ask_at(self, server: str, name: str, kind: str) -> Answer:
        """What one authoritative server says."""
        key = (name, kind, server)
        if key not in self._seen:
            self._seen[key] = self._query(server, 53, name, kind, dns.flags.Flag(0))
        return self._seen[key]

    def pointer(self, address: str) -> Answer:
        """The PTR records of an address."""
        return self.ask(dns.reversename.from_address(address).to_text(True), "PTR")

    def _query(self, server: str, port: int, name: str, kind: str, flags: int) -> Answer:
        query = dns.message.make_query(
            name, kind, use_edns=0, want_dnssec=True, payload=_EDNS_BYTES
        )
        query.flags = dns.flags.Flag(flags)
        try:
            message, _ = dns.query.udp_with_fallback(
                query, server, port=port, timeout=self._seconds, ignore_unexpected=True
            )
        except (dns.exception.DNSException, OSError):
            return Answer("failed")
        if message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return Answer("failed")
        secure = bool(message.flags & dns.flags.AD)
        authoritative = bool(message.flags & dns.flags.AA)
        owner, alias = dns.name.from_text(name), None
        for rrset in message.answer:
            if rrset.rdtype == dns.rdatatype.CNAME and rrset.name == owner and kind != "CNAME":
                owner = rrset[0].target
                alias = owner.to_text(True).lower()
        wanted = dns.rdatatype.from_text(kind)
        values = tuple(
            sorted(
                _text(item)
                for rrset in message.answer
                if rrset.rdtype == wanted and rrset.name == owner
                for item in rrset
            )
        )
        outcome: Outcome = "found" if values else "empty"
        if message.rcode() == dns.rcode.NXDOMAIN:
            outcome = "missing"
        return Answer(outcome, values, secure, alias, authoritative)


def _of_this_machine() -> tuple[str, int]:
    try:
        own = dns.resolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        raise NoResolver(
            "/etc/resolv.conf of this machine names no resolver; give one with --resolver IP"
        ) from None
    return str(own.nameservers[0]), own.port


def _text(item: object) -> str:
    strings = getattr(item, "strings", None)
    if strings is not None:
        return b"".join(strings).decode("ascii", "backslashreplace")
    for field in ("exchange", "target"):
        name = getattr(item, field, None)
        if name is not None:
            text = name.to_text(True).lower() if len(name) > 1 else "."
            preference = getattr(item, "preference", None)
            return text if preference is None else f"{preference} {text}"
    to_text = item.to_text  # type: ignore[attr-defined]
    return str(to_text())
