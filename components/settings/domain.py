"""What stands in a stack file of a mail domain."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from components.settings.dns import DomainRecordsSettings
from components.settings.mta_sts import MtaStsSettings
from components.settings.types import Address, Domain, LocalPart, Model, Name


class DomainSettings(Model):
    """One mail domain."""

    zone: Domain | None = Field(
        None, description="Cloudflare zone that holds the records; default: the longest match."
    )
    mx: list[Name] | None = Field(None, description="MX hosts of the domain; default: all.")
    leaving_mx: list[Name] = Field(
        default_factory=list,
        description="MX hosts that DNS names no more and that still take mail and serve the policy "
        "until its caches have forgotten them.",
    )
    mailbox_host: Name
    recipients: list[LocalPart] = Field(
        default_factory=list, description="Local parts of the addresses that accept mail."
    )
    recipients_file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")] | (
        None
    ) = Field(
        None,
        description="More of them: a file, its path from the folder of the stack file, with one "
        "local part a line; # begins a comment.",
    )
    mta_sts: MtaStsSettings | None = Field(
        None, description="MTA-STS policy; none without it. Needs `certificates`."
    )
    aliases: dict[LocalPart, list[Address]] = Field(
        default_factory=dict, description="Local part to the addresses that get its mail."
    )
    records: DomainRecordsSettings = Field(default_factory=DomainRecordsSettings)
