"""Settings of the TLS reports that the MX hosts send."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Annotated

from pydantic import Field, StringConstraints

from components.postconf import VERSIONS, fault
from components.settings.types import Address, Model


class TlsReportsSettings(Model):
    """TLS reports (RFC 8460) to domains that ask for them and that the hosts send mail to."""

    # ASCII, one line: the reporter writes it into a part of the mail that can be nothing else.
    organization: Annotated[str, StringConstraints(pattern=r"^[!-~]([ -~]{0,98}[!-~])?$")] = Field(
        description="Name of the reporting organization in the reports."
    )
    contact: Address = Field(
        description="Sender of the reports, and the contact address in them. It must be a "
        "recipient of a mail domain of this stack. The MX hosts of that domain send "
        "the reports, since they sign with its DKIM key."
    )


def can_report(debian: int) -> bool:
    """Whether Postfix of this Debian release can report its TLS sessions to a collector."""
    return fault("smtp_tlsrpt_enable", VERSIONS[debian]) is None


def contradictions(
    reports: TlsReportsSettings,
    releases: Mapping[str, int],
    keepers: Mapping[str, Collection[str]],
    recipients: Collection[str] | None,
) -> Iterable[str]:
    """Reports that no host could send or sign; each fault begins with its YAML path.

    `releases`: MX host to its Debian. `keepers`: mail domain to its MX hosts. `recipients`: local
    parts of the contact's domain, None where a file has more of them.
    """
    local, _, domain = reports.contact.rpartition("@")
    if domain not in keepers:
        yield (
            f"tlsReports.contact: {domain} is not a mail domain in domains; the reports need "
            "the DKIM signature of one (RFC 8460 section 3)"
        )
        return
    if not any(can_report(releases[key]) for key in keepers[domain] if key in releases):
        yield (
            f"tlsReports: no MX host of {domain} has Postfix 3.10 (`debian: 13`), and TLS reports "
            "need it"
        )
    if recipients is not None and local not in recipients:
        yield (
            f"tlsReports.contact: {local} is neither a recipient nor an alias of "
            f"domains.{domain}, so Postfix would refuse this sender"
        )
