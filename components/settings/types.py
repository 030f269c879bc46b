"""Types of values in a stack file, each with the words that a wrong one is refused with."""

from __future__ import annotations

import base64
import binascii
import re
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, StringConstraints
from pydantic.alias_generators import to_camel

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# Without "#" at its begin, which is a comment in a table (postmap(1)).
_LOCAL_PART = re.compile(r"(?!#)[a-z0-9!#$%&'*/=?^_`{|}~.-]{1,64}")
_KEY_TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ssh-rsa")


def _domain(value: str) -> str:
    """A fully qualified domain name in its A-label form (RFC 5891), lower-case, no final dot."""
    if value.endswith("."):
        raise ValueError(f"write {value!r} without the final dot")
    if value != value.lower():
        raise ValueError(f"write the domain in lower case: {value.lower()!r}")
    if not value.isascii():
        alabel = value.encode("idna").decode()
        raise ValueError(f"write the domain as A-labels: {alabel!r}")
    labels = value.split(".")
    if len(labels) < 2 or len(value) > 253 or not all(_LABEL.fullmatch(part) for part in labels):
        raise ValueError(f"{value!r} is not a fully qualified domain name")
    return value


def _local_part(value: str) -> str:
    if not _LOCAL_PART.fullmatch(value) or ".." in value or value[0] == "." or value[-1] == ".":
        raise ValueError(f"{value!r} is not the local part of an address, in lower case")
    return value


def _address(value: str) -> str:
    local, at, domain = value.rpartition("@")
    if not at:
        raise ValueError(f"{value!r} is not a mail address")
    _local_part(local)
    _domain(domain)
    return value


def _host_key(value: str) -> str:
    fields = value.split()
    if len(fields) < 2 or fields[0] not in _KEY_TYPES:
        raise ValueError(
            "not an SSH host key: one line as ssh-keyscan prints it after the host name, "
            f"beginning with one of {', '.join(_KEY_TYPES)}"
        )
    try:
        blob = base64.b64decode(fields[1], validate=True)
    except binascii.Error:
        raise ValueError("not an SSH host key: its second word is not base64") from None
    if blob[4 : 4 + int.from_bytes(blob[:4], "big")] != fields[0].encode():
        raise ValueError(f"not an SSH host key: the base64 part is not of type {fields[0]}")
    return " ".join(fields[:2])


def _network(value: str) -> str:
    try:
        network = ip_network(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is not a network in CIDR notation: {error}") from None
    if network.prefixlen == 0:
        raise ValueError(f"{value!r} would make an open relay")
    return value


def _duration(value: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,5}[smhdw]", value):
        raise ValueError(f"{value!r} is not a Postfix time: a number and one of s, m, h, d, w")
    return value


def _zone_id(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{32}", value):
        raise ValueError(f"{value!r} is not a Cloudflare zone ID: 32 hexadecimal digits")
    return value


def _next_hop(value: str) -> str:
    """A next hop as transport(5) and smtp_tls_policy_maps write it."""
    fit = re.fullmatch(r"\[([^][]+)\](:[0-9]{1,5})?", value)
    _domain(fit[1] if fit else value)
    return value


def _tls_policy(value: str) -> str:
    levels = "none|may|encrypt|dane|dane-only|fingerprint|verify|secure"
    if not re.fullmatch(rf"({levels})( [a-z_]+=[!-~]+)*", value) or len(value) > 1000:
        raise ValueError(
            f"{value!r} is not a TLS policy: one of {levels.replace('|', ', ')}, "
            "then attributes as name=value"
        )
    return value


Domain = Annotated[str, AfterValidator(_domain)]
LocalPart = Annotated[str, AfterValidator(_local_part)]
Address = Annotated[str, AfterValidator(_address)]
HostKey = Annotated[str, AfterValidator(_host_key)]
Network = Annotated[str, AfterValidator(_network)]
Duration = Annotated[str, AfterValidator(_duration)]
NextHop = Annotated[str, AfterValidator(_next_hop)]
TlsPolicy = Annotated[str, AfterValidator(_tls_policy)]
ZoneId = Annotated[str, AfterValidator(_zone_id)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
NotifyClass = Literal[
    "bounce", "2bounce", "data", "delay", "policy", "protocol", "resource", "software"
]
Port = Annotated[StrictInt, Field(ge=1, le=65535)]


class Model(BaseModel):
    """A group of settings: camelCase keys in YAML, none that is unknown, fixed once read."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, populate_by_name=False
    )


def at(address: str, port: int) -> str:
    """Address and port as a URL or a Prometheus target has them."""
    return f"[{address}]:{port}" if ip_address(address).version == 6 else f"{address}:{port}"
