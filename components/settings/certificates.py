"""Settings of certificates: `certificates` of an environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictInt, StringConstraints

from components.settings.types import Address, Model

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
LETS_ENCRYPT_STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"
_PEM = "-----BEGIN CERTIFICATE-----"


def _root(value: str) -> str:
    if not value.startswith("/") and not value.lstrip().startswith(_PEM):
        raise ValueError("neither an absolute path on the hosts nor a certificate in PEM")
    return value


class CertificatesSettings(Model):
    """Certificates from an ACME authority, for each MX host and each MTA-STS policy host."""

    accept_terms: Literal[True] = Field(
        description="You have read the authority's terms of service and agree to them."
    )
    acme_directory_url: Annotated[str, StringConstraints(pattern=r"^https://[^\s\"'$`\\]+$")] = (
        Field(
            LETS_ENCRYPT,
            description="Directory of the ACME server (RFC 8555); for tests "
            f"`{LETS_ENCRYPT_STAGING}`.",
        )
    )
    acme_ca_root: Annotated[str, AfterValidator(_root)] | None = Field(
        None,
        description="Root that the ACME server's own certificate is verified with, where Debian's "
        "store does not have it: a path on the hosts, or PEM.",
    )
    acme_profile: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = (
        Field(None, description="ACME profile, for example `tlsserver`; Debian 13 or later.")
    )
    contact: Address | None = Field(None, description="Address that the authority may write to.")
    challenge: Literal["dns-01"] = Field("dns-01", description="Through the Cloudflare API.")
    rsa_bits: Annotated[StrictInt, Field(ge=3072, le=4096)] = Field(
        3072, description="Size of new RSA keys; keys that are there stay."
    )
    rollover: Annotated[StrictInt, Field(ge=0)] = Field(
        0,
        description="Raise it by one, and each host switches to the next key of each certificate, "
        "which TLSA records announce already.",
    )
    renew_days: Annotated[StrictInt, Field(ge=1, le=60)] = Field(
        30,
        description="Days before the end at which a certificate is renewed; "
        "never more than a third of its lifetime.",
    )
    propagation_timeout_seconds: Annotated[StrictInt, Field(ge=5, le=600)] = Field(
        180,
        description="How long every authoritative server may take to answer a challenge's record.",
    )


def contradictions(settings: CertificatesSettings, debian: Mapping[str, int]) -> Iterable[str]:
    """Faults of `certificates` seen with the hosts' releases of Debian; each begins with a path."""
    for key, release in debian.items():
        if settings.acme_profile is not None and release < 13:
            yield (
                f"certificates.acmeProfile: hosts.{key} has Debian {release}, "
                "whose dehydrated knows no profiles"
            )
