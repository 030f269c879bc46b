"""Settings of Postfix: limits, notices, TLS profiles, postscreen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, StrictInt, StringConstraints

from components.postconf import VERSIONS, fault
from components.settings.types import (
    Address,
    Domain,
    Duration,
    Model,
    Network,
    NextHop,
    NotifyClass,
    TlsPolicy,
)

Profile = Literal["ncsc-2025", "mozilla-6.0-intermediate", "compat"]


class TlsSettings(Model):
    """TLS of Postfix; the profiles are in components/services/postfix/tls_profiles.py."""

    server_profile: Profile = Field("ncsc-2025", description="What senders may use towards us.")
    client_profile: Profile = Field(
        "compat", description="What we use towards receivers; a high floor sends them plaintext."
    )
    client_ml_kem: bool = Field(
        True, description="Offer ML-KEM to receivers too; large hellos can break old middleboxes."
    )
    ca_file: Annotated[str, StringConstraints(pattern=r"^/[^\s]+$")] = Field(
        "/etc/ssl/certs/ca-certificates.crt", description="Roots for MTA-STS and `secure` policies."
    )
    policy_service: Annotated[
        str, StringConstraints(pattern=r"^(none|(inet|unix):[^\s,]+:[^\s,:]+)$")
    ] | (None) = Field(
        None,
        description="Another socketmap of TLS policies than the host's own, as "
        "`inet:192.0.2.1:8461:QUERY`; `none`: no MTA-STS towards receivers.",
    )
    report_socket: Annotated[str, StringConstraints(pattern=r"^[^\s,]+$")] | None = Field(
        None,
        description="Socket of a TLSRPT collector of your own, instead of `tlsReports`; used from "
        "Postfix 3.10 (Debian 13).",
    )


class PostscreenSettings(Model):
    """postscreen(8) before smtpd(8): keeps clients away that talk too early or are listed."""

    enabled: bool = False
    dnsbl_sites: dict[Domain, Annotated[StrictInt, Field(ge=-10, le=10)]] = Field(
        default_factory=dict,
        description="Block lists and their weights; only answers 127.0.0.2 to 127.0.0.11 count.",
    )
    dnsbl_threshold: Annotated[StrictInt, Field(ge=1, le=100)] = 3


class PostfixSettings(Model):
    """Postfix, as postconf(5) names things."""

    message_size_limit_bytes: Annotated[StrictInt, Field(ge=65536, le=1 << 30)] = 26214400
    recipient_delimiter: Annotated[str, StringConstraints(pattern=r"^[-+_=.]{0,3}$")] = "+"
    mynetworks: list[Network] = Field(
        default_factory=list, description="Networks that may relay, beside the host itself."
    )
    maximal_queue_lifetime: Duration = "5d"
    bounce_queue_lifetime: Duration = "5d"
    delay_warning_time: Duration = "6h"
    confirm_delay_cleared: bool = True
    notify_classes: list[NotifyClass] = Field(
        ["2bounce", "data", "resource", "software"],
        description="What the postmaster is told of. `bounce` and `policy` are a mail for each "
        "refused recipient (notify_classes, postconf(5)).",
    )
    notice_recipient: Address | None = Field(
        None,
        description="Who gets notices, and mail to root and postmaster of the host itself; "
        "default: postmaster of the host's first mail domain that has one.",
    )
    tls: TlsSettings = Field(default_factory=TlsSettings)
    tls_policies: dict[NextHop, TlsPolicy] = Field(
        default_factory=dict,
        description="Next hop, as `[host]:port` or a domain, to its TLS policy "
        "(smtp_tls_policy_maps, postconf(5)).",
    )
    postscreen: PostscreenSettings = Field(default_factory=PostscreenSettings)
    extra: dict[
        Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")],
        Annotated[str, StringConstraints(pattern=r"^[^\r\n]*$")],
    ] = Field(
        default_factory=dict,
        description="Parameters of your own, last in main.cf; they replace ours of the same name.",
    )


def contradictions(settings: PostfixSettings, releases: Iterable[int]) -> Iterable[str]:
    """Parameters under `extra` that the Postfix of one of the Debian releases does not know."""
    for release in sorted(releases):
        for name in settings.extra:
            wrong = fault(name, VERSIONS[release])
            if wrong is not None:
                yield f"postfix.extra.{name}: {wrong}"
