"""Settings of Postfix: limits, notices, TLS profiles, postscreen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictInt, StringConstraints

from components.postconf import VERSIONS
from components.postconf import tls_policy as postconf_tls
from components.settings import extra as settings_extra
from components.settings.dnsbl import DnsblSite
from components.settings.dnsbl import contradictions as dnsbl_contradictions
from components.settings.types import (
    Address,
    Domain,
    Duration,
    Model,
    Network,
    NextHop,
    NotifyClass,
    seconds,
    too_many,
)

_DAY = 86400


def _queue_time(value: str) -> str:
    """Time in the queue; qmgr(8) dies at more than 100 days (maximal_queue_lifetime)."""
    if seconds(value) > 100 * _DAY:
        raise ValueError(f"{value!r} is more than 100 days, with which Postfix does not run")
    return value


def _queue_lifetime(value: str) -> str:
    if seconds(value) < _DAY:
        raise ValueError(
            f"{value!r}: mail would bounce when its destination is away for less than a day "
            "(RFC 5321 section 4.5.4.1: 4 to 5 days)"
        )
    return _queue_time(value)


QueueTime = Annotated[Duration, AfterValidator(_queue_time)]
QueueLifetime = Annotated[Duration, AfterValidator(_queue_lifetime)]
TlsPolicy = Annotated[str, StringConstraints(pattern=r"^[!-~]+( +[!-~]+)*$", max_length=1000)]

Profile = Literal["ncsc-2025", "mozilla-6.0-intermediate", "compat"]


class TlsSettings(Model):
    """TLS of Postfix; the profiles are in components/services/postfix/tls_profiles.py."""

    server_profile: Profile = Field(
        "ncsc-2025", description="TLS that senders may use to the host."
    )
    client_profile: Profile = Field(
        "compat", description="What we use towards receivers; a high floor sends them plaintext."
    )
    client_ml_kem: bool = Field(
        True, description="Offer ML-KEM to receivers too; large hellos can break old middleboxes."
    )
    ca_file: Annotated[str, StringConstraints(pattern=r"^/[!-~]+$")] = Field(
        "/etc/ssl/certs/ca-certificates.crt", description="Roots for MTA-STS and `secure` policies."
    )
    policy_service: Annotated[
        str, StringConstraints(pattern=r"^(none|(inet|unix):[!-+.-~-]+:[!-+.-9;-~-]+)$")
    ] | (None) = Field(
        None,
        description="Another socketmap of TLS policies than the host's own, as "
        "`inet:192.0.2.1:8461:QUERY`; `none`: no MTA-STS towards receivers.",
    )
    report_socket: Annotated[str, StringConstraints(pattern=r"^[!-+.-~-]+$")] | None = Field(
        None,
        description="Socket of a TLSRPT collector of your own, instead of `tlsReports`; used from "
        "Postfix 3.10 (Debian 13).",
    )


class PostscreenSettings(Model):
    """postscreen(8) before smtpd(8): keeps clients away that talk too early or are listed."""

    enabled: bool = False
    dnsbl_sites: dict[Domain, DnsblSite] = Field(
        default_factory=dict,
        description="Lists and their weights, those of allow lists below 0. Of a block list the "
        "answers 127.0.0.2 to 127.0.0.11 count, of a list with others its own: "
        '`{weight: -2, answers: "127.0.[2..20].[1..3]"}`.',
    )
    dnsbl_threshold: Annotated[StrictInt, Field(ge=1, le=100)] = 3


class PostfixSettings(Model):
    """Postfix, as postconf(5) names things."""

    message_size_limit_bytes: Annotated[StrictInt, Field(ge=65536, le=1 << 30)] = 26214400
    recipient_delimiter: Annotated[str, StringConstraints(pattern=r"^[-+_=.]{0,3}$")] = "+"
    mynetworks: list[Network] = Field(
        default_factory=list, description="Networks that may relay through the hosts."
    )
    maximal_queue_lifetime: QueueLifetime = "5d"
    bounce_queue_lifetime: QueueTime = "5d"
    delay_warning_time: QueueTime = "6h"
    confirm_delay_cleared: bool = True
    notify_classes: list[NotifyClass] = Field(
        ["2bounce"],
        description="What the postmaster is told of (notify_classes, postconf(5)). `data`, "
        "`resource` and `software` are a mail for each session while a part of the host is out of "
        "order, `bounce` and `policy` one for each refused recipient; alerts tell it once.",
    )
    notice_recipient: Address | None = Field(
        None,
        description="Who gets notices, and mail to root and postmaster of the host itself; "
        "default: postmaster of the host's first mail domain that has one.",
    )
    drain_seconds: Annotated[StrictInt, Field(ge=10, le=3000)] = Field(
        300,
        description="How long the queue may take to empty before Postfix is taken from a host; "
        "Postfix stays while mail is in it.",
    )
    smtpd_processes: Annotated[StrictInt, Field(ge=50, le=5000)] = Field(
        200,
        description="How many SMTP sessions a host has at once (maxproc of smtpd, master(5)); each "
        "takes 2 to 4 MB of memory.",
    )
    client_connections: Annotated[StrictInt, Field(ge=1, le=1000)] = Field(
        30,
        description="How many of them one client address may have "
        "(smtpd_client_connection_count_limit, postconf(5)); more get 421. `mynetworks` may have "
        "any number.",
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


def contradictions(
    settings: PostfixSettings, releases: Iterable[int], mailboxes: Mapping[str, int]
) -> Iterable[str]:
    """What the Postfix of one of the Debian releases cannot do, or must not.

    `mailboxes`: name of a mailbox host to its port. Each line begins with its YAML path.
    """
    releases = sorted(releases)
    yield from settings_extra.contradictions(settings.extra, releases)
    yield from dnsbl_contradictions(
        "postfix.postscreen.dnsblSites", settings.postscreen.dnsbl_sites
    )
    if (sum_ := too_many(settings.mynetworks)) is not None:
        yield f"postfix.mynetworks: {sum_}: an open relay"
    if (held := 5 * settings.client_connections) > settings.smtpd_processes:
        yield (
            f"postfix.clientConnections: {settings.client_connections} are more than a fifth of "
            f"postfix.smtpdProcesses ({settings.smtpd_processes}): a few idle clients would keep "
            f"all other senders out; take at least {held} processes, or fewer connections"
        )
    for hop, policy in settings.tls_policies.items():
        path = f"postfix.tlsPolicies.{hop}"
        found = (postconf_tls.faults(policy, VERSIONS[release]) for release in releases)
        for wrong in dict.fromkeys(line for lines in found for line in lines):
            yield f"{path}: {wrong}"
        host = re.match(r"\[(.+)\]", hop)
        port = mailboxes.get(host[1]) if host is not None else None
        if host is not None and port is not None and hop != f"[{host[1]}]:{port}":
            yield f"{path}: mail goes to [{host[1]}]:{port}; the policy must be for this next hop"
    if settings.notice_recipient is not None and "$" in settings.notice_recipient:
        yield "postfix.noticeRecipient: Postfix would take `$` for the name of a parameter"
