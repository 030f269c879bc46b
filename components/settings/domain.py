"""Settings of a mail domain: `domains.NAME` of an environment."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from components.settings.dns import DomainRecordsSettings
from components.settings.mta_sts import MtaStsSettings
from components.settings.types import Address, Domain, LocalPart, Model, Name


class DomainSettings(Model):
    """One mail domain."""

    zone: Domain | None = Field(
        None,
        description="Cloudflare zone that holds the domain's records. Default: the longest name "
        "in `dns.zones` that the domain ends in.",
    )
    mx: list[Name] | None = Field(
        None, description="Keys in `hosts` of the domain's MX hosts. Default: all hosts."
    )
    leaving_mx: list[Name] = Field(
        default_factory=list,
        description="Keys in `hosts` of MX hosts that serve this domain without an MX record: of "
        "a domain that moves in, before its mail comes here; of hosts that stop serving the "
        "domain, until the caches of DNS have forgotten their MX records, one TTL later. The "
        "hosts accept mail and serve the MTA-STS policy.",
    )
    mailbox_host: Name = Field(
        description="Key in `mailboxHosts` of the server that the domain's mail is delivered to."
    )
    recipients: list[LocalPart] = Field(
        default_factory=list,
        description="Local parts that accept mail. Other addresses of the domain are refused.",
    )
    recipients_file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")] | (
        None
    ) = Field(
        None,
        description="File with more recipients, one local part a line; `#` begins a comment. The "
        "path starts in the folder of the stack file.",
    )
    mta_sts: MtaStsSettings | None = Field(
        None,
        description="MTA-STS policy (RFC 8461). Without it the domain has none. It needs "
        "`certificates`.",
    )
    aliases: dict[LocalPart, list[Address]] = Field(
        default_factory=dict, description="Local part to the addresses that receive its mail."
    )
    records: DomainRecordsSettings = Field(default_factory=DomainRecordsSettings)
