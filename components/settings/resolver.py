"""Settings of the resolver (`mx:mail.resolver`)."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated

from pydantic import AfterValidator, Field, StrictInt, StringConstraints

from components.settings.resource_record import ANCHORS, fault_of
from components.settings.types import Domain, FileName, Model, Port


def _zone(value: str) -> str:
    """A DNS zone in lower case without the final dot; one label is enough."""
    labels = value.split(".")
    if value != value.lower() or not all(0 < len(label) < 64 for label in labels):
        raise ValueError(f"{value!r} is not a zone: lower case, no final dot")
    return value


Zone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,253}$"), AfterValidator(_zone)]


def _anchor(value: str) -> str:
    if (wrong := fault_of(value, ANCHORS)) is not None:
        raise ValueError(f"{value!r} is {wrong}")
    return value


_ANCHOR = r"^[A-Za-z0-9_.-]+ +(?:[0-9]+ +)?(?:IN +)?(?:DS|DNSKEY) +[A-Za-z0-9+/= ]+$"
TrustAnchor = Annotated[str, StringConstraints(pattern=_ANCHOR), AfterValidator(_anchor)]
Ttl = Annotated[StrictInt, Field(ge=1, le=604800)]


class ForwarderSettings(Model):
    """One resolver that questions are forwarded to, always over TLS (RFC 7858)."""

    address: IPv4Address | IPv6Address
    hostname: Domain = Field(description="Name that its certificate must have.")
    port: Port = 853


class ResolverSettings(Model):
    """Unbound, the validating resolver on each MX host. The defaults suit the public Internet."""

    forwarders: list[ForwarderSettings] = Field(
        default_factory=list,
        description="Resolvers to ask instead of the authoritative servers; default: none.",
    )
    recursed_zones: list[Zone] = Field(
        default=[
            "spamhaus.org",
            "dnswl.org",
            "surbl.org",
            "uribl.com",
            "mailspike.net",
            "senderscore.com",
            "sem.fresh.spameatingmonkey.net",
            "rspamd.com",
            "nszones.com",
            "blocked.network",
        ],
        description="Zones never forwarded: block lists refuse the questions of shared resolvers.",
    )
    trust_anchors: list[TrustAnchor] = Field(
        default_factory=list,
        description="DS or DNSKEY records of private zones; one for `.` replaces the public one.",
    )
    trust_anchor_file: FileName | None = Field(
        None,
        description="File with more of them, one record a line: its path from the folder of the "
        "stack file, or absolute and below a folder that MX_FILE_FOLDERS in the environment names.",
    )
    root_hints_file: FileName | None = Field(
        None,
        description="File with the hints of a private root, one record a line, named like "
        "trustAnchorFile; it needs a trust anchor for `.`.",
    )
    private_zones: list[Zone] = Field(
        default_factory=list,
        description="Special-use zones (RFC 6303, RFC 6761) that exist in this network.",
    )
    insecure_zones: list[Zone] = Field(
        default_factory=list, description="Zones whose broken DNSSEC is ignored."
    )
    stub_zones: dict[Zone, list[IPv4Address | IPv6Address]] = Field(
        default_factory=dict,
        description="Zone to its authoritative servers, for zones that no delegation leads to.",
    )
    cache_max_ttl_seconds: Ttl = 86400
    cache_max_negative_ttl_seconds: Ttl = 3600
    cache_mebibytes: Annotated[StrictInt, Field(ge=4, le=4096)] = 64


def contradictions(resolver: ResolverSettings) -> Iterable[str]:
    """Faults that show only when keys are seen together; each begins with its YAML path."""
    if resolver.root_hints_file and not (resolver.trust_anchors or resolver.trust_anchor_file):
        yield "resolver.rootHintsFile: a private root needs its trust anchor in trustAnchors too"
