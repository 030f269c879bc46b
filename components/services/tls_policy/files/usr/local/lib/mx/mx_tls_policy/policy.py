"""The policy for one next hop: DANE where it binds, else what MTA-STS says.

Answers are those of socketmap_table(5); the policies in them those of smtp_tls_policy_maps.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import sys
from collections.abc import Awaitable, Callable

from . import dane, shown, socketmap

NONE = "NOTFOUND "
DANE = "OK dane-only"
Ask = Callable[[str], Awaitable[str]]
# What the MTA-STS service may take: two DNS lookups and the fetch of a policy.
_STS_TIMEOUT_SECONDS = 60.0
SMTP = 25


async def answer(key: str, resolve: dane.Resolve, sts: Ask) -> str:
    """The answer for a key of smtp_tls_policy_maps: a domain, `[host]`, `.parent`, with `:port`.

    A failure is TEMP, with which Postfix puts the mail off: without an answer of the resolver or
    of `sts` nobody knows what is promised.
    """
    domain, port = _destination(key)
    if domain is None:
        return NONE
    try:
        mx = await resolve(domain, "MX")
        if not mx.exists:
            return NONE
        hosts = [record.exchange.to_text(omit_final_dot=True) for record in mx.records]
        if "@" in hosts or "." in hosts:
            return NONE  # null MX (RFC 7505): Postfix bounces
        # Without MX records the domain is its own host (RFC 5321 section 5.1).
        bound = await asyncio.gather(
            *(dane.binds(host, port, resolve) for host in hosts or [mx.name])
        )
        known = [each for each in bound if each is not None]
        # An MX record that is not signed can name anybody, who then has TLSA records too: only
        # MTA-STS says who may be named (RFC 7672 section 2.2.1).
        binding = mx.secure and any(known)
        if binding and all(known):
            return DANE
        said = await asyncio.wait_for(sts(domain), _STS_TIMEOUT_SECONDS)
    except (dane.LookupFailed, socketmap.ProtocolError, OSError) as error:
        return _put_off(key, str(error) or type(error).__name__)
    if said.startswith("OK secure "):
        # Some hosts have DANE, others not, and Postfix takes one policy for all of them: mail
        # goes to those with DANE, since MTA-STS must not override it.
        return DANE if binding else said
    if said.rstrip() == "NOTFOUND":
        return NONE
    return _put_off(key, f"the MTA-STS service says {said[:200]!r}")


def _destination(key: str) -> tuple[str | None, int]:
    """Domain and port of a key; no domain where no MX is looked up."""
    host, colon, digits = key.rpartition(":")
    if not colon or not re.fullmatch("[0-9]{1,5}", digits):
        host, digits = key, str(SMTP)
    if not host or host.startswith((".", "[")) or _is_address(key) or _is_address(host):
        return None, SMTP
    return host.rstrip(".").lower(), int(digits)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _put_off(key: str, reason: str) -> str:
    reason = shown.line(" ".join(reason.split()))
    print(f"{shown.line(key)}: put off: {reason}", file=sys.stderr, flush=True)
    return f"TEMP {reason[:500]}"
