"""Settings of the TLS reports that the MX hosts send."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Annotated

from pydantic import Field, StringConstraints

from components.postconf import VERSIONS, fault
from components.settings.types import Address, Model


class TlsReportsSettings(Model):
    """TLS reports (RFC 8460) to the domains that we send mail to and that ask for them."""

    # ASCII, one line: the reporter writes it into a part of the mail that can be nothing else.
    organization: Annotated[str, StringConstraints(pattern=r"^[!-~]([ -~]{0,98}[!-~])?$")] = Field(
        description="Who the reports come from, as their readers see it."
    )
    contact: Address = Field(
        description="Sender of the reports and the address in them: a recipient of a mail domain. "
        "The MX hosts of that domain report, since they sign with its key."
    )


def can_report(debian: int) -> bool:
    """Whether Postfix of that release of Debian tells a collector of its TLS sessions."""
    return fault("smtp_tlsrpt_enable", VERSIONS[debian]) is None


def contradictions(
    reports: TlsReportsSettings,
    releases: Mapping[str, int],
    keepers: Mapping[str, Collection[str]],
    recipients: Collection[str] | None,
) -> Iterable[str]:
    """Reports that no host could send, or not signed; each fault begins with its YAML path.

    `releases`: MX host to its Debian. `keepers`: mail domain to its MX hosts. `recipients`: local
    parts of the contact's domain, None where a file has more of them.
    """
    local, _, domain = reports.contact.rpartition("@")
    if domain not in keepers:
        yield (
            f"tlsReports.contact: {domain} is none of domains; reports are signed by DKIM with a "
            "mail domain's key (RFC 8460 section 3)"
        )
        return
    if not any(can_report(releases[key]) for key in keepers[domain] if key in releases):
        yield f"tlsReports: no MX host of {domain} has Postfix 3.10 (`debian: 13`), which they need"
    if recipients is not None and local not in recipients:
        yield (
            f"tlsReports.contact: {local} is neither a recipient nor an alias of domains.{domain}; "
            "Postfix refuses it as a sender"
        )
