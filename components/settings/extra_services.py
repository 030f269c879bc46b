"""Parameters whose value, or name, is that of a service in master.cf.

Postfix reads any word there, and `postfix check` accepts it. The program that then asks for the
service waits for a socket that does not exist, so mail is accepted and never leaves, or is not
accepted at all. Sources: postconf(5), master(5), transport(5), trivial-rewrite(8).
"""

from __future__ import annotations

import re

from components.postconf.parameters import parameter, parameters
from components.postconf.syntax import shown

# The delivery agents in the master.cf of an MX host (components/services/postfix/master_cf.py; a
# test compares them). A next hop follows them after a colon.
TRANSPORTS = ("smtp", "relay", "error", "retry", "discard", "local", "virtual", "lmtp")
_TRANSPORT = re.compile(
    r"(address_verify_)?(default|relay|local|virtual)_transport"
    r"|(best_mx|fallback|mailbox)_transport|content_filter"
)
_REFERENCE = re.compile(r"\$(\w+)|\$[({](\w+)[)}]")
# Tables that are written out in the parameter itself (DATABASE_README).
_STATIC = re.compile(r"static:(?:\{\s*([^{}]*)\}|([^\s,]+))")
_INLINE = re.compile(r"inline:\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
_PAIR = re.compile(r"\{\s*[^=\s]+\s*=\s*([^{}]*)\}|[^\s,={}]+\s*=\s*([^\s,{}]+)")


def fault(name: str, value: str, version: str) -> str | None:
    """Why the service that a parameter names is not there; None when it is, or none is named."""
    one = parameter(name, version)
    if one is not None and one.of_transport and name not in parameters(version):
        return _of_a_transport(name)
    if name == "service_name":
        return "master(8) sets this parameter for each process"
    if name.endswith("_service_name") and one is not None:
        # A service of another name, if there were one, would be another program or keep its files
        # elsewhere: bounce(8) has a directory for each name.
        if value.strip() != one.default:
            return (
                f"{shown(value[:60])!r} is not the service in master.cf that does this work: that "
                f"is {one.default!r}, so mail would stop; remove this parameter"
            )
        return None
    if _TRANSPORT.fullmatch(name):
        return _transport(value)
    if name.endswith("_transport_maps"):
        found = [next(filter(None, each)) for each in _STATIC.findall(value) if any(each)]
        for table in _INLINE.findall(value):
            found += [next(filter(None, each), "") for each in _PAIR.findall(table)]
        return next(filter(None, map(_transport, found)), None)
    return None


def _of_a_transport(name: str) -> str | None:
    if any(name.startswith(f"{each}_") for each in TRANSPORTS):
        return None
    return (
        "master.cf has no service of the name with which this parameter begins; the services are "
        f"{', '.join(TRANSPORTS)}"
    )


def _transport(value: str) -> str | None:
    """The same for `transport:nexthop`; an empty transport is the default one."""
    service = value.strip().partition(":")[0].strip()
    reference = _REFERENCE.fullmatch(service)
    if reference is not None:
        service = reference[1] or reference[2]
        if _TRANSPORT.fullmatch(service):
            return None
        return f"${service} is not a parameter that names a transport; write the transport itself"
    if not service or service in TRANSPORTS:
        return None
    return (
        f"master.cf has no service {shown(service[:60])!r}, so mail would wait and then bounce; "
        f"the services are {', '.join(TRANSPORTS)}, and a host name needs one in front, as in "
        "relay:[host.example.org]"
    )
