"""The contract of the stack's outputs: what monitoring and other stacks may rely on.

Version 1. A key may be added within a version; one that is removed, renamed or given another
meaning makes a new version. All but `dsRecords` and `renewalFailures` comes from the settings
alone, so that an `up` that fails on one host keeps the outputs. No secret can be among them.
docs/outputs.md explains every key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from components.dns import records as dns_records
from components.dns.types import rdata
from components.services.certificates import dehydrated
from components.services.mta_sts import policy as mta_sts
from components.settings.environment import Settings
from components.settings.types import at

VERSION = 1


class _Part(BaseModel):
    """A part of the contract. Readers pass over keys that a later program adds."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="ignore", frozen=True, populate_by_name=True
    )


class MxHost(_Part):
    """One MX host."""

    hostname: str = Field(description="Name in MX records, banner and EHLO.")
    ipv4: str
    ipv6: str | None
    preference: int = Field(description="Preference of its MX records.")
    debian: int = Field(description="Release of Debian.")


class Endpoint(_Part):
    """A TCP port that the Internet may reach."""

    host: str = Field(description="Key of the host in mxHosts.")
    hostname: str = Field(description="Name that a certificate must have.")
    address: str = Field(description="Address and port, IPv6 in brackets.")
    protocol: Literal["smtp"]
    start_tls: bool = Field(description="Whether it must offer STARTTLS.")


class ScrapeTarget(_Part):
    """An exporter that monitoring servers may reach."""

    host: str = Field(description="Key of the host in mxHosts.")
    job: str = Field(description="Job of Prometheus.")
    address: str = Field(description="Address and port, IPv6 in brackets.")


class Certificate(_Part):
    """A name that a host has certificates for."""

    host: str = Field(description="Key of the host in mxHosts.")
    name: str
    algorithms: list[str] = Field(description="One certificate each: `ecdsa`, `rsa`.")


class RenewalFailure(_Part):
    """A certificate whose renewal fails; the one in use stays until it ends."""

    host: str = Field(description="Key of the host in mxHosts.")
    name: str
    algorithm: str = Field(description="`ecdsa` or `rsa`.")
    since: str = Field(description="First failure since the last success (RFC 3339).")
    reason: str = Field(description="Why the last attempt failed; one line, for people.")


class MtaStsPolicy(_Part):
    """An MTA-STS policy that every MX host of the domain serves (RFC 8461)."""

    domain: str
    url: str
    mode: Literal["enforce", "testing", "none"]
    id: str = Field(description="What the record `_mta-sts` must say.")


class Record(_Part):
    """A DNS record that the settings ask for and whose value they give."""

    name: str
    type: str
    zone: str
    content: str = Field(description="Value as in a zone file, without the priority.")
    priority: int | None


class Thresholds(_Part):
    """When to wake somebody."""

    certificate_warning_days: int
    queue_age_seconds: int
    silence_seconds: int


class Outputs(_Part):
    """All outputs of a stack."""

    outputs_version: Literal[1] = Field(description="Version of this contract.")
    mx_hosts: dict[str, MxHost] = Field(description="MX hosts by their key in the settings.")
    mail_domains: dict[str, list[str]] = Field(
        description="Mail domain to the names of its MX hosts, by preference."
    )
    endpoints: list[Endpoint] = Field(description="What must answer from outside, per address.")
    scrape_targets: list[ScrapeTarget] = Field(
        description="Exporters; empty while `monitoring` is not in the settings."
    )
    certificates: list[Certificate] = Field(
        default_factory=list,
        description="Certificates; empty while `certificates` is not in the settings.",
    )
    renewal_failures: list[RenewalFailure] = Field(
        default_factory=list,
        description="Renewals that fail, as hosts told when the last `up` began; else empty.",
    )
    policies: list[MtaStsPolicy] = Field(
        default_factory=list, description="MTA-STS policies, by mail domain."
    )
    records: list[Record] = Field(description="DNS records whose values the settings give.")
    thresholds: Thresholds | None = Field(
        default=None,
        description="From `monitoring`. Pulumi leaves the key out while that is not in the "
        "settings.",
    )
    ds_records: dict[str, str] = Field(
        default_factory=dict,
        description="Zone to the DS record that its registrar needs; from Cloudflare.",
    )


def outputs(settings: Settings, failures: Sequence[RenewalFailure] = ()) -> Outputs:
    """The outputs of a stack, from its settings and what hosts told: all but `ds_records`."""
    watched = settings.monitoring
    return Outputs(
        outputs_version=VERSION,
        mx_hosts={
            key: MxHost(
                hostname=host.hostname,
                ipv4=str(host.ipv4),
                ipv6=str(host.ipv6) if host.ipv6 else None,
                preference=host.preference,
                debian=host.debian,
            )
            for key, host in settings.hosts.items()
        },
        mail_domains={
            domain: [settings.hosts[key].hostname for key in settings.exchangers(domain)]
            for domain in settings.domains
        },
        endpoints=[
            Endpoint(
                host=key,
                hostname=host.hostname,
                address=at(str(address), 25),
                protocol="smtp",
                start_tls=settings.certificates is not None,
            )
            for key, host in settings.hosts.items()
            for address in (host.ipv4, host.ipv6)
            if address is not None
        ],
        scrape_targets=[
            ScrapeTarget(
                host=key,
                job="node",
                address=at(settings.exporter_address(key), watched.node_exporter_port),
            )
            for key in settings.hosts
            if watched is not None
        ],
        certificates=[
            Certificate(host=key, name=name, algorithms=list(dehydrated.ALGORITHMS))
            for key in settings.hosts
            if settings.certificates is not None
            for name in dehydrated.names(settings, key)
        ],
        renewal_failures=list(failures),
        policies=[
            MtaStsPolicy(
                domain=name,
                url=f"https://mta-sts.{name}/.well-known/mta-sts.txt",
                mode=domain.mta_sts.mode,
                id=mta_sts.policy_id(settings, name),
            )
            for name, domain in settings.domains.items()
            if domain.mta_sts is not None
        ],
        records=[
            Record(
                name=record.name,
                type=record.type,
                zone=record.zone,
                content=rdata(record.type, record.content, record.data),
                priority=record.priority,
            )
            for record in dns_records.records(settings)
        ],
        thresholds=None
        if watched is None
        else Thresholds(
            certificate_warning_days=watched.certificate_warning_days,
            queue_age_seconds=watched.queue_age_seconds,
            silence_seconds=watched.silence_seconds,
        ),
    )


def plain(found: Outputs) -> dict[str, Any]:
    """The outputs that come from the settings, as `pulumi stack output --json` prints them."""
    return found.model_dump(by_alias=True, mode="json", exclude={"ds_records"})
