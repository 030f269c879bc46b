"""Sections of main.cf, each a pure function of the settings, in the order of the file.

What differs between Postfix 3.7 (Debian 12) and 3.10 (Debian 13) is in components/postconf.
Sources: postconf(5), RELEASE_NOTES of Postfix 3.7 to 3.10, RFC 5321.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from components.postconf import VERSIONS
from components.services.postfix import restrictions as postfix_restrictions
from components.services.postfix import sql_maps
from components.services.postfix import tables as postfix_tables
from components.services.postfix import tls_sections as postfix_tls
from components.services.postfix.parameters import Parameter as P
from components.services.postfix.parameters import section
from components.services.tls_policy import units as tls_policy
from components.services.tls_reports import units as tls_reports
from components.settings.environment import Settings

_COMPATIBILITY_LEVEL = {"3.7": "3.6", "3.10": "3.10"}


def general(settings: Settings, host: str) -> list[P]:
    """Names, limits and notices."""
    postfix, hostname = settings.postfix, settings.hosts[host].hostname
    version = VERSIONS[settings.hosts[host].debian]
    return [
        P(
            "compatibility_level",
            _COMPATIBILITY_LEVEL[version],
            f"Defaults of Postfix {version}, without its backwards-compatible ones.",
        ),
        P("myhostname", hostname, "The name in the MX records, the banner and EHLO."),
        P("mydomain", hostname.partition(".")[2], "The domain of this host's own name."),
        P("myorigin", "$myhostname", "Notices of this host come from the host itself."),
        P(
            "mydestination",
            "",
            "An MX delivers nothing locally: every address is a relay domain's.",
        ),
        P(
            "recipient_delimiter",
            postfix.recipient_delimiter,
            "What separates user and extension; both forms reach the same mailbox.",
        ),
        P(
            "strict_rfc821_envelopes",
            "yes",
            "Addresses in MAIL and RCPT stand in <> without display names (RFC 5321).",
        ),
        P("disable_vrfy_command", "yes", "VRFY would tell which addresses exist."),
        P("biff", "no", "Nobody logs in here to read mail."),
        P(
            "message_size_limit",
            str(postfix.message_size_limit_bytes),
            "Bytes, announced by SIZE; the mailbox host must accept at least as much.",
        ),
        P("mailbox_size_limit", "0", "No local mailboxes; must not be below the message size."),
        P(
            "maximal_queue_lifetime",
            postfix.maximal_queue_lifetime,
            "How long a mailbox host may be away before senders get a bounce.",
        ),
        P("bounce_queue_lifetime", postfix.bounce_queue_lifetime, "The same for bounces."),
        P(
            "delay_warning_time",
            postfix.delay_warning_time,
            "When a sender hears of a delay.",
        ),
        P(
            "confirm_delay_cleared",
            "yes" if postfix.confirm_delay_cleared else "no",
            "A sender told of a delay is told of its end.",
        ),
        P(
            "notify_classes",
            ", ".join(postfix.notify_classes),
            "What the postmaster is told of.",
        ),
    ]


def trusted_networks() -> list[P]:
    """Who may relay."""
    return [
        P(
            "mynetworks",
            "cidr:/etc/postfix/tables/mynetworks.cidr",
            "Clients in this table may send anywhere; everyone else only to relay_domains.",
        )
    ]


def domains_and_aliases(settings: Settings, host: str) -> list[P]:
    """The domains that are accepted, and their addresses."""
    aliases, reason = sql_maps.table("virtual"), "Aliases of the relay domains"
    if (notices := settings.notice_recipient(host)) is not None:
        hostname = settings.hosts[host].hostname
        ours = [f"{{ {name}@{hostname} = {notices} }}" for name in ("postmaster", "root")]
        aliases += f", inline:{{ {', '.join(ours)} }}"
        reason += " and of this host's own notices"
    return [
        P("local_recipient_maps", "", "No local recipients (see mydestination)."),
        P("alias_maps", "", "No local(8) delivery, so no aliases(5)."),
        P("alias_database", "", "Nothing for newaliases(1) to build."),
        P(
            "virtual_alias_maps",
            aliases,
            f"{reason}; the result is relayed, not delivered here.",
        ),
        P(
            "parent_domain_matches_subdomains",
            "",
            "A mail domain is that name alone, not this host's or another name below it.",
        ),
        P("relay_domains", sql_maps.table("relay_domains"), "The mail domains of this MX."),
        P(
            "relay_recipient_maps",
            sql_maps.table("relay_recipients"),
            "Who exists: unknown recipients get 550 at RCPT, never a bounce later.",
        ),
    ]


def transport(settings: Settings) -> list[P]:
    """Where accepted mail goes."""
    service = tls_policy.socketmap(settings)
    policies = [sql_maps.table("tls_policy"), *([f"socketmap:{service}"] if service else [])]
    return [
        P(
            "local_transport",
            "error:5.1.1 this host delivers no mail locally",
            "A mistake in a table must be seen, not end in a local mailbox.",
        ),
        P("transport_maps", sql_maps.table("transport"), "Mail domain to mailbox host."),
        P(
            "default_delivery_status_filter",
            f"regexp:{postfix_tables.NEXT_HOPS}",
            "Mail waits when the name of a next hop of ours is gone from DNS.",
        ),
        P(
            "smtp_tls_policy_maps",
            ", ".join(policies),
            "Next hops with a TLS policy of their own"
            + ("; then DANE and MTA-STS, DANE first (RFC 8461 section 2)." if service else "."),
        ),
    ]


def tcp_ip(settings: Settings, host: str) -> list[P]:
    """Addresses that are listened on, and protocols."""
    has_ipv6 = settings.hosts[host].ipv6 is not None
    return [
        P(
            "inet_interfaces",
            ", ".join(map(str, settings.hosts[host].inet_interfaces)),
            "Addresses that smtpd(8) listens on.",
        ),
        P(
            "inet_protocols",
            "all" if has_ipv6 else "ipv4",
            "IPv6 when the host has an address of its own for it.",
        ),
    ]


def extra(settings: Settings) -> list[P]:
    """The operator's own parameters; none gives an empty section."""
    return [
        P(name, value, "From postfix.extra in the stack's settings.")
        for name, value in sorted(settings.postfix.extra.items())
    ]


def sections(settings: Settings, host: str, *, milters: Sequence[str] = ()) -> dict[str, str]:
    """File name in main.cf.d to text, for the sections that need no certificate.

    `milters` are the sockets of the spam filter, once there is one.
    """
    version = VERSIONS[settings.hosts[host].debian]
    parts: dict[str, tuple[str, Iterable[P]]] = {
        "10-general.cf": ("General", general(settings, host)),
        "20-trusted-networks.cf": ("Trusted networks", trusted_networks()),
        "30-domains-and-aliases.cf": ("Domains and aliases", domains_and_aliases(settings, host)),
        "40-transport.cf": ("Transport", transport(settings)),
        "50-tcp-ip.cf": ("TCP/IP", tcp_ip(settings, host)),
        "70-relay-restrictions.cf": (
            "Relay restrictions",
            postfix_restrictions.relay_restrictions(),
        ),
        "80-restrictions.cf": (
            "Restrictions",
            postfix_restrictions.restrictions(settings, version),
        ),
    }
    if milters:
        parts["90-milter.cf"] = (
            "Milter",
            postfix_restrictions.milters(
                milters, version, settings.spam_filter.scan_timeout_seconds
            ),
        )
    return _texts(parts, settings, version) | {
        "95-extra.cf": section("Own parameters", extra(settings), version)
    }


def tls_sections(settings: Settings, host: str, chain_files: list[str]) -> dict[str, str]:
    """File name in main.cf.d to text, for the sections that need the certificate chains."""
    version = VERSIONS[settings.hosts[host].debian]
    tls, reports = settings.postfix.tls, tls_reports.socket(settings, host)
    client = postfix_tls.tls_client(tls, reports, lmtp=_lmtp(settings))
    return _texts(
        {
            "60-tls.cf": ("TLS", postfix_tls.tls(tls, version)),
            "61-tls-client.cf": ("TLS client", client),
            "62-tls-server.cf": ("TLS server", postfix_tls.tls_server(tls, chain_files)),
        },
        settings,
        version,
    )


def _lmtp(settings: Settings) -> bool:
    return any(each.protocol == "lmtp" for each in settings.mailbox_hosts.values())


def _texts(
    parts: dict[str, tuple[str, Iterable[P]]], settings: Settings, version: str
) -> dict[str, str]:
    return {
        name: section(title, parameters, version, without=settings.postfix.extra)
        for name, (title, parameters) in parts.items()
    }


def listening(settings: Settings, host: str) -> str:
    """What needs a stop and a start instead of a reload when it changes (postconf(5))."""
    own = settings.postfix.extra
    return "\n".join(
        f"{parameter.name} = {own.get(parameter.name, parameter.value)}"
        for parameter in tcp_ip(settings, host)
    )
