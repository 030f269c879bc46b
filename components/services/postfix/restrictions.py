"""Sections of main.cf that say what is refused, and the spam filter's.

Sources: postconf(5), POSTSCREEN_README, MILTER_README, RFC 5321.
"""

from __future__ import annotations

from collections.abc import Sequence

from components.services.postfix.parameters import Parameter as P
from components.settings import dnsbl
from components.settings.environment import Settings

EHLO_DISCARDED = "chunking"
"""What no client is offered."""


def ehlo(settings: Settings) -> str:
    """cidr_table(5) of the SMTP extensions that trusted networks are not offered."""
    words = f"{EHLO_DISCARDED}, silent-discard"
    trusted = ["127.0.0.0/8", "::1/128", *settings.postfix.mynetworks]
    return "".join(f"{network} {words}\n" for network in trusted)


def relay_restrictions() -> list[P]:
    """Never an open relay."""
    return [
        P(
            "smtpd_relay_restrictions",
            "permit_mynetworks, reject_unauth_destination",
            "Strangers reach relay_domains and nothing else (554 for all the rest).",
        ),
        P(
            "allow_percent_hack",
            "no",
            "user%remote@here is an address here, not a way to relay.",
        ),
        P("swap_bangpath", "no", "remote!user is no route."),
    ]


def restrictions(settings: Settings, version: str) -> list[P]:
    """What is refused, and only what no legitimate sender does; `version` is that of Postfix."""
    return [
        P("smtpd_helo_required", "yes", "A client names itself (RFC 5321 section 4.1.4)."),
        P(
            "smtpd_helo_restrictions",
            "permit_mynetworks, reject_invalid_helo_hostname, "
            "warn_if_reject reject_non_fqdn_helo_hostname, "
            "warn_if_reject reject_unknown_helo_hostname",
            "Real senders with odd names exist: these are logged, not refused.",
        ),
        P(
            "smtpd_client_restrictions",
            "permit_mynetworks, warn_if_reject reject_unknown_reverse_client_hostname",
            "A missing PTR is logged; refusing it would lose legitimate mail.",
        ),
        P(
            "smtpd_sender_restrictions",
            "reject_non_fqdn_sender",
            "A sender in one of our domains need not be a recipient: newsletters and shops write "
            "as noreply@, and SPF and DMARC say who may.",
        ),
        P(
            "smtpd_recipient_restrictions",
            "reject_non_fqdn_recipient, reject_unlisted_recipient",
            "Unknown recipients are refused at RCPT.",
        ),
        P("smtpd_reject_unlisted_recipient", "yes", "Holds for trusted networks too."),
        P("unknown_local_recipient_reject_code", "550", "A final answer, not a later bounce."),
        P("unknown_relay_recipient_reject_code", "550", "A final answer, not a later bounce."),
        P(
            "smtpd_forbid_bare_newline",
            "normalize",
            "Against SMTP smuggling (CVE-2023-51764): only CR LF . CR LF ends a message.",
        ),
        P(
            "smtpd_forbid_bare_newline_exclusions",
            "$mynetworks",
            "Programs on trusted hosts may still write bare LF.",
        ),
        P(
            "smtpd_forbid_unauth_pipelining",
            "yes",
            "A client that does not wait for its turn gets 554 (RFC 2920).",
        ),
        *shares(settings, version),
        P(
            "smtpd_discard_ehlo_keywords",
            f"{EHLO_DISCARDED}, dsn, etrn, silent-discard",
            "BDAT off: works around the faults fixed in the releases of August 2026. DSN and ETRN "
            "off for strangers: by DSN they would have success notices sent to anybody, which "
            "also tell what is an alias (DSN_README).",
        ),
        P(
            "smtpd_discard_ehlo_keyword_address_maps",
            "cidr:/etc/postfix/tables/ehlo.cidr",
            "Trusted networks may ask for such notices.",
        ),
        *(postscreen(settings) if settings.postfix.postscreen.enabled else []),
    ]


def shares(settings: Settings, version: str) -> list[P]:
    """What one client may hold of a host, so that the others get a banner (STRESS_README)."""
    limits = [
        P(
            "smtpd_client_connection_count_limit",
            str(settings.postfix.client_connections),
            "A client that holds more sessions than this gets 421, so that a few idle clients "
            "leave sessions to everybody else.",
        ),
        P(
            "smtpd_hard_error_limit",
            "${stress?{5}:{20}}",
            "Under load too a greylisted sender may end its session; Postfix stays in stress "
            "mode for a quarter of an hour.",
        ),
    ]
    if version != "3.7":
        limits.append(
            P(
                "smtpd_client_ipv6_prefix_length",
                "64",
                "A network of IPv6 is one client: whoever has one has all its addresses.",
            )
        )
    return limits


def postscreen(settings: Settings) -> list[P]:
    """Keep clients away from smtpd(8) that talk too early or are listed (postscreen(8)).

    Without the deep protocol tests: those put off every new client, as greylisting does, and
    the spam filter's greylisting knows more. Only answers that mean "listed" count, so that a
    list which refuses our resolver (127.255.255.x) refuses no mail.
    """
    own = settings.postfix.postscreen
    sites = [
        f"{name}={dnsbl.answers(name, site)}*{dnsbl.weight(site)}"
        for name, site in sorted(own.dnsbl_sites.items())
    ]
    return [
        P(
            "postscreen_access_list",
            "permit_mynetworks",
            "Trusted networks are not tested.",
        ),
        P(
            "postscreen_cache_map",
            "lmdb:$data_directory/postscreen_cache",
            "Clients that passed, kept over restarts.",
        ),
        P(
            "postscreen_greet_action",
            "enforce",
            "A client that talks before the banner gets 550 for every recipient.",
        ),
        P(
            "postscreen_pre_queue_limit",
            str(settings.postfix.smtpd_processes),
            "Clients that wait for the tests; more get 421.",
        ),
        P(
            "postscreen_post_queue_limit",
            str(settings.postfix.smtpd_processes),
            "Clients that passed and wait for smtpd(8); more get 421.",
        ),
        P(
            "postscreen_dnsbl_sites",
            ", ".join(sites),
            "Lists with the answers that count and their weights.",
        ),
        P(
            "postscreen_dnsbl_threshold",
            str(own.dnsbl_threshold),
            "Sum of weights from which a client counts as listed.",
        ),
        P(
            "postscreen_dnsbl_action",
            "enforce" if sites else "ignore",
            "A listed client gets 550; a list that does not answer adds nothing.",
        ),
    ]


_MILTER_DEFAULT_ACTION = {"3.7": "tempfail", "3.10": "shutdown"}


def milters(sockets: Sequence[str], version: str, scan_timeout_seconds: int) -> list[P]:
    """The spam filter; a message that it cannot see is put off, never let through.

    `sockets` are paths below the queue directory, because smtpd(8) runs chrooted there.
    """
    asked = ", ".join(f"unix:{socket}" for socket in sockets)
    return [
        P("smtpd_milters", asked, "Mail that comes by SMTP passes the spam filter."),
        P(
            "non_smtpd_milters",
            asked,
            "So does mail of this host's own programs; it is signed there.",
        ),
        P("milter_connect_timeout", "10s", "A hung filter holds a client no longer than this."),
        P("milter_command_timeout", "10s", "The same before the message itself."),
        P(
            "milter_content_timeout",
            f"{scan_timeout_seconds + 30}s",
            "The same after it; longer than a scan may take.",
        ),
        P(
            "milter_default_action",
            _MILTER_DEFAULT_ACTION[version],
            "A filter that is down puts mail off with 4xx."
            + (
                " shutdown (421) also ends the session, so no state of it outlives the filter."
                if _MILTER_DEFAULT_ACTION[version] == "shutdown"
                else ""
            ),
        ),
    ]
