"""Settings of certificates: `certificates` of an environment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictInt, StringConstraints

from components.settings.types import Address, Model

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
LETS_ENCRYPT_STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"
_URL = r"^https://[A-Za-z0-9._~:/?=&%+-]+$"
_PATH = re.compile(r"(/[A-Za-z0-9._-]+)+")
_PEM = re.compile(
    r"(-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=]{1,76}\n)+-----END CERTIFICATE-----\n*)+"
)


def _root(value: str) -> str:
    if not _PATH.fullmatch(value) and not _PEM.fullmatch(value.strip()):
        raise ValueError(
            "neither an absolute path on the hosts nor a certificate in PEM; a path may have "
            "only letters, digits and ._-/"
        )
    return value


def _accepted(value: object) -> object:
    """Refuse anything but the YAML word true."""
    if value is not True:
        raise ValueError(
            f"{value!r} is no agreement, and the authority gives no certificate without one. "
            "Read its terms of service (https://letsencrypt.org/repository/), then write "
            "`acceptTerms: true`; or leave `certificates` out"
        )
    return value


class CertificatesSettings(Model):
    """Certificates from an ACME authority, for each MX host and each MTA-STS policy host."""

    accept_terms: Annotated[Literal[True], BeforeValidator(_accepted)] = Field(
        description="You have read the authority's terms of service and agree to them."
    )
    acme_directory_url: Annotated[str, StringConstraints(pattern=_URL)] = Field(
        LETS_ENCRYPT,
        description="Directory of the ACME server (RFC 8555). For tests: "
        f"`{LETS_ENCRYPT_STAGING}`.",
    )
    acme_ca_root: Annotated[str, AfterValidator(_root)] | None = Field(
        None,
        description="Root certificate of the ACME server's own certificate, for a server that "
        "Debian's store does not trust: a path on the hosts, or PEM.",
    )
    acme_profile: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = (
        Field(None, description="ACME profile, for example `tlsserver`. It needs Debian 13.")
    )
    contact: Address | None = Field(None, description="Address that the authority may write to.")
    challenge: Literal["dns-01"] = Field(
        "dns-01", description="ACME challenge. Its record is written through the Cloudflare API."
    )
    rsa_bits: Annotated[StrictInt, Field(ge=3072, le=4096)] = Field(
        3072, description="Size of new RSA keys; existing keys stay as they are."
    )
    rollover: Annotated[StrictInt, Field(ge=0)] = Field(
        0,
        description="Raise this number by one to make each host switch to the next key of each "
        "certificate. TLSA records announce that key already.",
    )
    renew_days: Annotated[StrictInt, Field(ge=1, le=60)] = Field(
        30,
        description="A certificate is renewed when it has fewer days left than this and less than "
        "a third of its lifetime.",
    )
    propagation_timeout_seconds: Annotated[StrictInt, Field(ge=5, le=600)] = Field(
        180,
        description="How long to wait until every authoritative server has the record of a "
        "challenge.",
    )


def contradictions(settings: CertificatesSettings, debian: Mapping[str, int]) -> Iterable[str]:
    """Faults of `certificates` seen with the hosts' releases of Debian; each begins with a path."""
    for key, release in debian.items():
        if settings.acme_profile is not None and release < 13:
            yield (
                f"certificates.acmeProfile: hosts.{key} has Debian {release}, whose "
                "dehydrated does not support profiles; leave acmeProfile out, or install "
                "Debian 13"
            )
