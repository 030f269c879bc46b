"""Sections of main.cf that say what is refused, and the spam filter's.

Sources: postconf(5), POSTSCREEN_README, MILTER_README, RFC 5321.
"""

from __future__ import annotations

from collections.abc import Sequence

from components.services.postfix.parameters import Parameter as P
from components.settings import dnsbl
from components.settings.environment import Settings

EHLO_DISCARDED = "chunking"
"""What no client is offered. Only the host's release is known, not which fixes it has installed."""


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
            "Clients outside mynetworks can send to relay_domains only; else they get 554.",
        ),
        P(
            "allow_percent_hack",
            "no",
            "user%remote@here is a local part here, and does not relay to remote.",
        ),
        P("swap_bangpath", "no", "remote!user is a local part too."),
    ]


def restrictions(settings: Settings, version: str) -> list[P]:
    """What is refused, and only what no legitimate sender does; `version` is that of Postfix."""
    return [
        P(
            "smtpd_helo_required",
            "yes",
            "A client must send HELO or EHLO (RFC 5321 section 4.1.4).",
        ),
        P(
            "smtpd_helo_restrictions",
            "permit_mynetworks, reject_invalid_helo_hostname, "
            "warn_if_reject reject_non_fqdn_helo_hostname, "
            "warn_if_reject reject_unknown_helo_hostname",
            "Some legitimate servers have odd names: Postfix logs them, and refuses only "
            "invalid ones.",
        ),
        P(
            "smtpd_client_restrictions",
            "permit_mynetworks, warn_if_reject reject_unknown_reverse_client_hostname",
            "Postfix logs a missing PTR. A refusal would lose legitimate mail.",
        ),
        P(
            "smtpd_sender_restrictions",
            "reject_non_fqdn_sender",
            "A sender in one of our domains need not be a recipient: newsletters and shops write "
            "as noreply@. SPF and DMARC decide who may use a domain.",
        ),
        P(
            "smtpd_recipient_restrictions",
            "reject_non_fqdn_recipient, reject_unlisted_recipient",
            "Postfix refuses unknown recipients at RCPT.",
        ),
        P("smtpd_reject_unlisted_recipient", "yes", "The same for trusted networks."),
        P("unknown_local_recipient_reject_code", "550", "A permanent error for the client."),
        P("unknown_relay_recipient_reject_code", "550", "A permanent error for the client."),
        P(
            "smtpd_forbid_bare_newline",
            "normalize",
            "Against SMTP smuggling (CVE-2023-51764): only CR LF . CR LF ends a message.",
        ),
        P(
            "smtpd_forbid_bare_newline_exclusions",
            "$mynetworks",
            "Programs in trusted networks may end lines with LF only.",
        ),
        P(
            "smtpd_forbid_unauth_pipelining",
            "yes",
            "A client that sends commands too early gets 554 (RFC 2920).",
        ),
        *shares(settings, version),
        P(
            "smtpd_discard_ehlo_keywords",
            f"{EHLO_DISCARDED}, dsn, etrn, silent-discard",
            "BDAT is off because of the faults that the releases of August 2026 fix. DSN and ETRN "
            "are off for clients outside mynetworks: with DSN they could have success notices "
            "sent to anybody, and these show which addresses are aliases (DSN_README).",
        ),
        P(
            "smtpd_discard_ehlo_keyword_address_maps",
            "cidr:/etc/postfix/tables/ehlo.cidr",
            "Trusted networks may use DSN and ETRN.",
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
            "The errors that end a session: 5 under load, else 20. Under load the default is 1, "
            "and a greylisted sender could not end its session.",
        ),
    ]
    if version != "3.7":
        limits.append(
            P(
                "smtpd_client_ipv6_prefix_length",
                "64",
                "Limits count an IPv6 /64 as one client, because one owner has all its addresses.",
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
            "Clients that passed the tests; the file survives restarts.",
        ),
        P(
            "postscreen_greet_action",
            "enforce",
            "A client that talks before the banner gets 550 for every recipient.",
        ),
        P(
            "postscreen_pre_queue_limit",
            str(settings.postfix.smtpd_processes),
            "So many clients may wait for the tests; further clients get 421.",
        ),
        P(
            "postscreen_post_queue_limit",
            str(settings.postfix.smtpd_processes),
            "So many clients may wait for smtpd(8) after the tests; further clients get 421.",
        ),
        P(
            "postscreen_dnsbl_sites",
            ", ".join(sites),
            "Block lists with the answers that count, and their weights.",
        ),
        P(
            "postscreen_dnsbl_threshold",
            str(own.dnsbl_threshold),
            "From this sum of weights a client counts as listed.",
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
        P("smtpd_milters", asked, "Mail that arrives by SMTP passes the spam filter."),
        P(
            "non_smtpd_milters",
            asked,
            "Mail from programs of this host passes the spam filter too, which signs the mail.",
        ),
        P("milter_connect_timeout", "10s", "The longest wait for a connection to the filter."),
        P(
            "milter_command_timeout",
            "10s",
            "The longest wait for an answer before the content of a message.",
        ),
        P(
            "milter_content_timeout",
            f"{scan_timeout_seconds + 30}s",
            "The longest wait for the result; longer than a scan may take.",
        ),
        P(
            "milter_default_action",
            _MILTER_DEFAULT_ACTION[version],
            "While the filter is down, clients get 4xx and retry."
            + (
                " shutdown (421) also ends the session, so that the next one begins anew."
                if _MILTER_DEFAULT_ACTION[version] == "shutdown"
                else ""
            ),
        ),
    ]
