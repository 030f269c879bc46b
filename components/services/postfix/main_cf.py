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
            f"Use the defaults of Postfix {version}, and none of an older version.",
        ),
        P("myhostname", hostname, "The name in the MX records, the banner and EHLO."),
        P("mydomain", hostname.partition(".")[2], "The domain of this host's own name."),
        P("myorigin", "$myhostname", "The domain of notices from this host."),
        P(
            "mydestination",
            "",
            "This host delivers no mail locally; all its mail domains are in relay_domains.",
        ),
        P(
            "recipient_delimiter",
            postfix.recipient_delimiter,
            "Separates user and extension: user and user+extension reach the same mailbox.",
        ),
        P(
            "strict_rfc821_envelopes",
            "yes",
            "Addresses in MAIL and RCPT must be in <>, without display names (RFC 5321).",
        ),
        P("disable_vrfy_command", "yes", "VRFY would show strangers which addresses exist."),
        P("biff", "no", "Nobody reads mail on this host, so nobody needs a notice of new mail."),
        P(
            "message_size_limit",
            str(postfix.message_size_limit_bytes),
            "The largest message in bytes. The mailbox host must accept at least as much.",
        ),
        P("mailbox_size_limit", "0", "No limit, as there are no mailboxes here."),
        P(
            "maximal_queue_lifetime",
            postfix.maximal_queue_lifetime,
            "After this time in the queue a message is returned to its sender.",
        ),
        P(
            "bounce_queue_lifetime",
            postfix.bounce_queue_lifetime,
            "The same for a bounce, which is discarded.",
        ),
        P(
            "delay_warning_time",
            postfix.delay_warning_time,
            "After this time in the queue the sender gets a notice of the delay.",
        ),
        P(
            "confirm_delay_cleared",
            "yes" if postfix.confirm_delay_cleared else "no",
            "Whether the sender gets a second notice when delayed mail is delivered.",
        ),
        P(
            "notify_classes",
            ", ".join(postfix.notify_classes),
            "Events of which the postmaster gets a notice.",
        ),
    ]


def trusted_networks() -> list[P]:
    """Who may relay."""
    return [
        P(
            "mynetworks",
            "cidr:/etc/postfix/tables/mynetworks.cidr",
            "Clients in this table may send to any domain, all others only to relay_domains.",
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
        P("local_recipient_maps", "", "There are no local recipients (see mydestination)."),
        P("alias_maps", "", "local(8) delivers nothing, so aliases(5) are not used."),
        P("alias_database", "", "newaliases(1) has nothing to build."),
        P(
            "virtual_alias_maps",
            aliases,
            f"{reason}. Postfix relays to the resulting addresses.",
        ),
        P(
            "parent_domain_matches_subdomains",
            "",
            "A mail domain does not include the names below it.",
        ),
        P("relay_domains", sql_maps.table("relay_domains"), "The mail domains of this MX."),
        P(
            "relay_recipient_maps",
            sql_maps.table("relay_recipients"),
            "The known recipients. All others get 550 at RCPT, so no bounce follows.",
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
            "A mistake in a table gives an error, and no mail in a local mailbox.",
        ),
        P("transport_maps", sql_maps.table("transport"), "The mailbox host of each mail domain."),
        P(
            "default_delivery_status_filter",
            f"regexp:{postfix_tables.NEXT_HOPS}",
            "Mail waits in the queue while DNS does not know the name of a next hop.",
        ),
        P(
            "smtp_tls_policy_maps",
            ", ".join(policies),
            "The TLS policies from the stack file"
            + (", then DANE, then MTA-STS (RFC 8461 section 2)." if service else "."),
        ),
    ]


def tcp_ip(settings: Settings, host: str) -> list[P]:
    """Addresses that are listened on, and protocols."""
    has_ipv6 = settings.hosts[host].ipv6 is not None
    return [
        P(
            "inet_interfaces",
            ", ".join(map(str, settings.hosts[host].inet_interfaces)),
            "The addresses on which smtpd(8) listens.",
        ),
        P(
            "inet_protocols",
            "all" if has_ipv6 else "ipv4",
            "IPv6 is on if the stack file has an IPv6 address for the host.",
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
