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
        raise ValueError(f"{value!r} is not a zone; write a zone in lower case without a final dot")
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

    address: IPv4Address | IPv6Address = Field(description="Address of the forwarder.")
    hostname: Domain = Field(description="Name that the forwarder's certificate must have.")
    port: Port = Field(853, description="TCP port of DNS over TLS.")


class ResolverSettings(Model):
    """Unbound, the validating resolver on each MX host. The defaults suit the public Internet."""

    forwarders: list[ForwarderSettings] = Field(
        default_factory=list,
        description="Resolvers to ask instead of the authoritative servers. Default: none.",
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
        description="Zones that are never forwarded, because block lists refuse questions from "
        "shared resolvers.",
    )
    trust_anchors: list[TrustAnchor] = Field(
        default_factory=list,
        description="DS or DNSKEY records of private zones. A record for `.` replaces the public "
        "root's.",
    )
    trust_anchor_file: FileName | None = Field(
        None,
        description="File with more trust anchors, one record a line. The path starts in the "
        "folder of the stack file, or it is absolute and below a folder that the "
        "environment variable MX_FILE_FOLDERS names.",
    )
    root_hints_file: FileName | None = Field(
        None,
        description="File with the hints of a private root, one record a line; its path is as in "
        "`trustAnchorFile`. A private root needs a trust anchor for `.`.",
    )
    private_zones: list[Zone] = Field(
        default_factory=list,
        description="Special-use zones (RFC 6303, RFC 6761) that exist in this network and are "
        "looked up.",
    )
    insecure_zones: list[Zone] = Field(
        default_factory=list, description="Zones that are looked up without DNSSEC validation."
    )
    stub_zones: dict[Zone, list[IPv4Address | IPv6Address]] = Field(
        default_factory=dict,
        description="Zones that no delegation leads to: zone to its authoritative servers.",
    )
    cache_max_ttl_seconds: Ttl = Field(86400, description="Longest time that an answer is cached.")
    cache_max_negative_ttl_seconds: Ttl = Field(
        3600, description="Longest time that the absence of a name or record is cached."
    )
    cache_mebibytes: Annotated[StrictInt, Field(ge=4, le=4096)] = Field(
        64, description="Size of Unbound's message cache. Its record cache is twice as large."
    )


def contradictions(resolver: ResolverSettings) -> Iterable[str]:
    """Faults that show only when keys are seen together; each begins with its YAML path."""
    if resolver.root_hints_file and not (resolver.trust_anchors or resolver.trust_anchor_file):
        yield (
            "resolver.rootHintsFile: a private root needs a trust anchor for `.`; give it in "
            "trustAnchors or trustAnchorFile"
        )
