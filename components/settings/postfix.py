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
        raise ValueError(f"{value!r} is more than 100 days; with such a value Postfix does not run")
    return value


def _queue_lifetime(value: str) -> str:
    if seconds(value) < _DAY:
        raise ValueError(
            f"{value!r} is less than a day: mail would bounce while a destination is down for "
            "a few hours (RFC 5321 section 4.5.4.1 asks for 4 to 5 days)"
        )
    return _queue_time(value)


QueueTime = Annotated[Duration, AfterValidator(_queue_time)]
QueueLifetime = Annotated[Duration, AfterValidator(_queue_lifetime)]
TlsPolicy = Annotated[str, StringConstraints(pattern=r"^[!-~]+( +[!-~]+)*$", max_length=1000)]

Profile = Literal["ncsc-2025", "mozilla-6.0-intermediate", "compat"]


class TlsSettings(Model):
    """TLS of Postfix. components/services/postfix/tls_profiles.py has the profiles."""

    server_profile: Profile = Field(
        "ncsc-2025", description="TLS versions and ciphers that the host accepts from senders."
    )
    client_profile: Profile = Field(
        "compat",
        description="TLS versions and ciphers towards receivers. With a stricter profile, mail to "
        "servers that have only older TLS goes out in plaintext.",
    )
    client_ml_kem: bool = Field(
        True,
        description="Offer the ML-KEM groups of `serverProfile` to receivers too. Some old "
        "middleboxes break at the large handshake.",
    )
    ca_file: Annotated[str, StringConstraints(pattern=r"^/[!-~]+$")] = Field(
        "/etc/ssl/certs/ca-certificates.crt",
        description="File on the hosts with the root certificates for MTA-STS and `secure` "
        "policies.",
    )
    policy_service: Annotated[
        str, StringConstraints(pattern=r"^(none|(inet|unix):[!-+.-~-]+:[!-+.-9;-~-]+)$")
    ] | (None) = Field(
        None,
        description="Socketmap service of TLS policies to use instead of the host's own MTA-STS "
        "service, for example `inet:192.0.2.1:8461:QUERY`. With `none`, MTA-STS "
        "policies of receivers are ignored.",
    )
    report_socket: Annotated[str, StringConstraints(pattern=r"^[!-+.-~-]+$")] | None = Field(
        None,
        description="Socket of a TLSRPT collector of your own, to use instead of `tlsReports`. "
        "Hosts with Debian 12 ignore it: Postfix has this since 3.10.",
    )


class PostscreenSettings(Model):
    """postscreen(8) in front of smtpd(8). It stops clients that talk too early or are listed."""

    enabled: bool = Field(False, description="Run postscreen(8) in front of smtpd(8).")
    dnsbl_sites: dict[Domain, DnsblSite] = Field(
        default_factory=dict,
        description="DNS lists and their weights; an allow list has a weight below 0. For a block "
        "list the answers 127.0.0.2 to 127.0.0.11 count. Name the answers of any "
        'other list: `{weight: -2, answers: "127.0.[2..20].[1..3]"}`.',
    )
    dnsbl_threshold: Annotated[StrictInt, Field(ge=1, le=100)] = Field(
        3, description="A client whose weights add up to this number is refused."
    )


class PostfixSettings(Model):
    """Postfix. Keys are names of postconf(5) in camel case, with units: `messageSizeLimitBytes`."""

    message_size_limit_bytes: Annotated[StrictInt, Field(ge=65536, le=1 << 30)] = Field(
        26214400, description="Largest message that the hosts accept."
    )
    recipient_delimiter: Annotated[str, StringConstraints(pattern=r"^[-+_=.]{0,3}$")] = Field(
        "+",
        description="Characters between a local part and its extension, as in `user+extension`.",
    )
    mynetworks: list[Network] = Field(
        default_factory=list,
        description="Networks whose clients may relay mail to any address through the hosts.",
    )
    maximal_queue_lifetime: QueueLifetime = Field(
        "5d", description="How long Postfix tries to deliver a message before the message bounces."
    )
    bounce_queue_lifetime: QueueTime = Field(
        "5d", description="How long Postfix tries to deliver a bounce before it is discarded."
    )
    delay_warning_time: QueueTime = Field(
        "6h", description="How long a message is queued before its sender gets a delay warning."
    )
    confirm_delay_cleared: bool = Field(
        True, description="Tell a sender who got a delay warning when the message is delivered."
    )
    notify_classes: list[NotifyClass] = Field(
        ["2bounce"],
        description="Problems that Postfix mails to the notice recipient (notify_classes, "
        "postconf(5)). While a part of the host is out of order, `data`, `resource` "
        "and `software` send one mail for each session. `bounce` and `policy` send "
        "one for each refused recipient. The alerts of `monitoring` report such a "
        "problem once.",
    )
    notice_recipient: Address | None = Field(
        None,
        description="Address for Postfix's notices, and for mail to root and postmaster at the "
        "host's own name. Default: postmaster of the first mail domain of the host, "
        "by name, that lists this recipient.",
    )
    drain_seconds: Annotated[StrictInt, Field(ge=10, le=3000)] = Field(
        300,
        description="How long the queue may take to empty before Postfix is removed from a host. "
        "If mail is still queued then, Postfix stays.",
    )
    smtpd_processes: Annotated[StrictInt, Field(ge=50, le=5000)] = Field(
        200,
        description="Number of SMTP sessions that a host serves at once (maxproc of smtpd, "
        "master(5)). Each takes 2 to 4 MB of memory.",
    )
    client_connections: Annotated[StrictInt, Field(ge=1, le=1000)] = Field(
        30,
        description="Number of SMTP sessions that one client address may have "
        "(smtpd_client_connection_count_limit, postconf(5)); further ones get 421. "
        "Clients in `mynetworks` have no limit.",
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
        description="Parameters of your own. They come last in main.cf and replace the program's "
        "parameters of the same name.",
    )


def contradictions(
    settings: PostfixSettings, releases: Iterable[int], mailboxes: Mapping[str, int]
) -> Iterable[str]:
    """What Postfix of one of these Debian releases cannot do or must not do.

    `mailboxes`: name of a mailbox host to its port. Each line begins with its YAML path.
    """
    releases = sorted(releases)
    yield from settings_extra.contradictions(settings.extra, releases)
    yield from dnsbl_contradictions(
        "postfix.postscreen.dnsblSites", settings.postscreen.dnsbl_sites
    )
    if (sum_ := too_many(settings.mynetworks)) is not None:
        yield f"postfix.mynetworks: {sum_}: the hosts would be an open relay"
    if (held := 5 * settings.client_connections) > settings.smtpd_processes:
        yield (
            f"postfix.clientConnections: {settings.client_connections} is more than a fifth "
            f"of postfix.smtpdProcesses ({settings.smtpd_processes}), so a few idle clients "
            f"could keep all other senders out; set smtpdProcesses to at least {held}, or "
            "clientConnections lower"
        )
    for hop, policy in settings.tls_policies.items():
        path = f"postfix.tlsPolicies.{hop}"
        found = (postconf_tls.faults(policy, VERSIONS[release]) for release in releases)
        for wrong in dict.fromkeys(line for lines in found for line in lines):
            yield f"{path}: {wrong}"
        host = re.match(r"\[(.+)\]", hop)
        port = mailboxes.get(host[1]) if host is not None else None
        if host is not None and port is not None and hop != f"[{host[1]}]:{port}":
            yield (
                f"{path}: mail for this host goes to [{host[1]}]:{port}; write the policy for "
                "that next hop"
            )
    if settings.notice_recipient is not None and "$" in settings.notice_recipient:
        yield (
            "postfix.noticeRecipient: it has a `$`, which begins a parameter's name in main.cf; "
            "give another address"
        )
