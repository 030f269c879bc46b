"""Types of values in a stack file, each with the message that refuses a wrong value."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable
from ipaddress import IPv6Address, IPv6Network, collapse_addresses, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal

import idna
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, StringConstraints
from pydantic.alias_generators import to_camel

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_STRING = re.compile(rf"{_ATOM}(\.{_ATOM})*")
# Without ssh-rsa: for a pinned RSA key the command plug-in takes SHA-1 signatures alone. No OpenSSH
# since 8.8 makes them, so the plug-in would never reach the host.
KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
)
# A wider network is more than one organization has. The audit of a main.cf has the same limit.
_WIDEST = {4: 8, 6: 20}
# Networks of IPv6 that stand for all of IPv4: mapped (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056).
_ALL_OF_IPV4 = tuple(map(IPv6Network, ("::ffff:0:0/96", "64:ff9b::/96", "2002::/16")))


def _domain(value: str) -> str:
    """A fully qualified domain name in its A-label form (RFC 5891), lower-case, no final dot."""
    if value.endswith("."):
        raise ValueError(f"write {value!r} without the final dot")
    if not value.isascii():
        raise ValueError(_as_a_labels(value))
    if value != value.lower():
        raise ValueError(f"write the domain in lower case: {value.lower()!r}")
    labels = value.split(".")
    if len(labels) < 2 or len(value) > 253 or not all(_LABEL.fullmatch(part) for part in labels):
        raise ValueError(f"{value!r} is not a fully qualified domain name")
    if labels[-1].isdigit():
        raise ValueError(f"{value!r} is an IP address or a number; give a domain name")
    return value


def _as_a_labels(value: str) -> str:
    """How to write a name with other than ASCII letters, where IDNA 2008 has one answer.

    Python's own codec is IDNA 2003, which makes another domain of some names (RFC 5894 section
    7.2). Upper case has no answer: a sigma at the end of a word has two lower-case forms.
    """
    name = unicodedata.normalize("NFC", value)
    if name != name.lower():
        return f"write the domain {value!r} in lower case and as A-labels"
    try:
        return f"write the domain as A-labels: {idna.encode(name).decode()!r}"
    except idna.IDNAError as error:
        return f"{value!r} is not a domain name by IDNA 2008 (RFC 5891): {error}"


def hostname(value: str) -> str:
    """A domain name of letters, digits and hyphens (RFC 1123 section 2.1), else ValueError."""
    _domain(value)
    if "_" in value:
        raise ValueError(
            f"{value!r} has an underscore: no mail server may have such a name (RFC 1123) and no "
            "authority issues a certificate for it"
        )
    return value


def local_part(value: str) -> str:
    """A local part of one of the mail domains: in lower case, as the look-ups fold it."""
    if "*" in value:
        raise ValueError(
            f"{value!r}: '*' is no pattern here, and there is no catch-all; list the local "
            "parts that exist"
        )
    # A line that begins with "#" is a comment in a table (postmap(1)).
    if not _DOT_STRING.fullmatch(value) or len(value) > 64 or value[0] == "#":
        raise ValueError(f"{value!r} is not the local part of an address")
    if value != value.lower():
        raise ValueError(f"write the local part in lower case: {value.lower()!r}")
    return value


def _address(value: str) -> str:
    """Somebody's address (RFC 5321 section 4.1.2); the case of its local part is the owner's."""
    local, at, domain = value.rpartition("@")
    if not at:
        raise ValueError(f"{value!r} is not a mail address")
    if "*" in local:
        raise ValueError(f"{value!r}: '*' is no pattern here; give one address")
    if not _DOT_STRING.fullmatch(local) or len(local) > 64 or local[0] == "#":
        raise ValueError(f"{local!r} is not the local part of an address")
    hostname(domain)
    return value


def _reachable(value: str) -> str:
    """A name or an address, and nothing that ssh(1) would take for an option."""
    try:
        ip_address(value)
    except ValueError:
        labels = value.split(".")
        if len(value) > 253 or not all(_LABEL.fullmatch(part) for part in labels):
            raise ValueError(f"{value!r} is neither an address nor a name in lower case") from None
    if "%" in value:
        raise ValueError(f"{value!r} has a zone index, which only this machine knows; leave it out")
    return value


def _without_zone(value: IPv6Address) -> IPv6Address:
    if value.scope_id is not None:
        raise ValueError(f"'{value}' has a zone index, which only one machine knows; leave it out")
    return value


def _host_key(value: str) -> str:
    fields = value.split()
    if fields[:1] == ["ssh-rsa"]:
        raise ValueError(
            "an RSA host key: Pulumi's SSH client cannot use it with OpenSSH 8.8 or later; "
            "give the key in /etc/ssh/ssh_host_ed25519_key.pub of the host"
        )
    if len(fields) < 2 or fields[0] not in KEY_TYPES or not value.strip().isprintable():
        raise ValueError(
            "not an SSH host key: expected is one line as ssh-keyscan prints it after the "
            f"host name, beginning with one of {', '.join(KEY_TYPES)}"
        )
    try:
        blob = base64.b64decode(fields[1], validate=True)
    except binascii.Error:
        raise ValueError("not an SSH host key: its second word is not base64") from None
    if blob[4 : 4 + int.from_bytes(blob[:4], "big")] != fields[0].encode():
        raise ValueError(f"not an SSH host key: the base64 part is not of type {fields[0]}")
    return " ".join(fields[:2])


def _network(value: str) -> str:
    """A network whose hosts are trusted."""
    try:
        network = ip_network(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is not a network in CIDR notation: {error}") from None
    if network.prefixlen < _WIDEST[network.version]:
        raise ValueError(
            f"{value!r} would make an open relay: nobody owns more than a "
            f"/{_WIDEST[network.version]}"
        )
    if isinstance(network, IPv6Network) and any(network.overlaps(all_) for all_ in _ALL_OF_IPV4):
        raise ValueError(f"{value!r} stands for IPv4 addresses; give those instead")
    return value


def wide(value: str) -> bool:
    """Whether a word is a network that is wider than any one organization's."""
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        return False
    return network.prefixlen < _WIDEST[network.version]


def too_many(networks: Iterable[str]) -> str | None:
    """Say how wide these networks are together; None when they are within the limit."""
    for version, widest in _WIDEST.items():
        parsed = [each for each in map(ip_network, networks) if each.version == version]
        merged = list(collapse_addresses(parsed))  # type: ignore[type-var]
        size = sum(each.num_addresses for each in merged if not each.is_private)
        share = 2 ** (merged[0].max_prefixlen - widest) if merged else 1
        if size > share:
            return (
                f"together these are {size / share:.3g} times an IPv{version} /{widest}, "
                "which is the limit"
            )
    return None


def _duration(value: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,5}[smhdw]", value):
        raise ValueError(f"{value!r} is not a Postfix time: a number and one of s, m, h, d, w")
    return value


def seconds(value: str) -> int:
    """A Duration in seconds."""
    return int(value[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[value[-1]]


def _zone_id(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{32}", value):
        raise ValueError(f"{value!r} is not a Cloudflare zone ID: 32 hexadecimal digits")
    return value


def _next_hop(value: str) -> str:
    """A next hop as transport(5) and smtp_tls_policy_maps write it."""
    fit = re.fullmatch(r"\[([^][]+)\](?::([0-9]{1,5}))?", value)
    _domain(fit[1] if fit else value)
    if fit is not None and fit[2] is not None and not 0 < int(fit[2]) <= 65535:
        raise ValueError(f"{value!r}: {fit[2]} is not a port; ports are 1 to 65535")
    return value


def _file_name(value: str) -> str:
    if not value.isprintable():
        raise ValueError("the name of the file has a character that is not printable")
    try:
        Path(value).expanduser()
    except RuntimeError:
        raise ValueError(f"{value!r} names the home of a user who does not exist here") from None
    return value


FileName = Annotated[str, AfterValidator(_file_name)]
Domain = Annotated[str, AfterValidator(_domain)]
Hostname = Annotated[str, AfterValidator(hostname)]
LocalPart = Annotated[str, AfterValidator(local_part)]
Address = Annotated[str, AfterValidator(_address)]
HostKey = Annotated[str, AfterValidator(_host_key)]
Reachable = Annotated[str, AfterValidator(_reachable)]
PublicIPv6 = Annotated[IPv6Address, AfterValidator(_without_zone)]
Network = Annotated[str, AfterValidator(_network)]
Duration = Annotated[str, AfterValidator(_duration)]
NextHop = Annotated[str, AfterValidator(_next_hop)]
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
