"""Words of the smtpd_*_restrictions lists: their arguments and what they can answer.

Source: generic_checks() in src/smtpd/smtpd_check.c, the same in 3.6 to 3.11, and postconf(5). The
names are compared without regard to case, as strcasecmp(3) does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

LISTS = (
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
    "smtpd_data_restrictions",
    "smtpd_end_of_data_restrictions",
    "smtpd_etrn_restrictions",
)
"""In the order in which smtpd(8) evaluates them, with smtpd_delay_reject = yes (the default)."""

DEFAULT_TABLE = {
    "smtpd_client_restrictions": "check_client_access",
    "smtpd_helo_restrictions": "check_helo_access",
    "smtpd_sender_restrictions": "check_sender_access",
    "smtpd_relay_restrictions": "check_recipient_access",
    "smtpd_recipient_restrictions": "check_recipient_access",
    "smtpd_data_restrictions": "check_recipient_access",
    "smtpd_end_of_data_restrictions": "check_recipient_access",
    "smtpd_etrn_restrictions": "check_etrn_access",
}
"""What a bare `type:table` means in each list. At DATA and after it Postfix asks for the name."""


@dataclass(frozen=True)
class Restriction:
    """One word.

    `argument`: "" none, "table" (type:name), "policy" (transport:server), "domain" or "number".
    `looks_at`: client, helo, sender, recipient, etrn, or "" for a word that looks at none of them.
    `permits` and `rejects`: it can answer OK, or refuse. `claimed`: an OK follows from what the
    client says of itself, so that every stranger can bring it about.
    """

    argument: str = ""
    looks_at: str = ""
    permits: bool = False
    rejects: bool = False
    claimed: bool = False


def _tables() -> dict[str, Restriction]:
    found = {}
    for looks_at, names in {
        "client": ("client", "reverse_client_hostname", "client_a", "client_mx", "client_ns"),
        "helo": ("helo", "helo_a", "helo_mx", "helo_ns"),
        "sender": ("sender", "sender_a", "sender_mx", "sender_ns"),
        "recipient": ("recipient", "recipient_a", "recipient_mx", "recipient_ns"),
        "etrn": ("etrn",),
    }.items():
        for name in names:
            # An OK of the tables of servers and of reverse names is no OK (forbid_allowlist()).
            sure = "_" not in name
            found[f"check_{name}_access"] = Restriction(
                "table", looks_at, permits=sure, rejects=True, claimed=sure and looks_at != "client"
            )
    for kind in ("a", "mx", "ns"):
        found[f"check_reverse_client_hostname_{kind}_access"] = Restriction(
            "table", "client", rejects=True
        )
    found["check_ccert_access"] = Restriction("table", "client", permits=True, rejects=True)
    found["check_sasl_access"] = Restriction("table", "client", permits=True, rejects=True)
    return found


def _plain() -> dict[str, Restriction]:
    found = {}
    for looks_at, names in {
        "client": (
            "reject_unknown_client_hostname reject_unknown_client"
            " reject_unknown_reverse_client_hostname reject_plaintext_session reject_maps_rbl"
        ),
        "helo": (
            "reject_invalid_helo_hostname reject_invalid_hostname reject_non_fqdn_helo_hostname"
            " reject_non_fqdn_hostname reject_unknown_helo_hostname reject_unknown_hostname"
        ),
        "sender": (
            "reject_unknown_sender_domain reject_unknown_address reject_unverified_sender"
            " reject_non_fqdn_sender reject_unlisted_sender reject_sender_login_mismatch"
            " reject_authenticated_sender_login_mismatch reject_known_sender_login_mismatch"
            " reject_unauthenticated_sender_login_mismatch"
        ),
        "recipient": (
            "reject_unauth_destination defer_unauth_destination reject_unknown_recipient_domain"
            " reject_non_fqdn_recipient reject_unverified_recipient reject_unlisted_recipient"
            " check_recipient_maps reject_multi_recipient_bounce check_relay_domains"
        ),
        "": "reject defer defer_if_permit defer_if_reject reject_unauth_pipelining",
    }.items():
        for name in names.split():
            found[name] = Restriction("", looks_at, rejects=True)
    for looks_at, names in {
        "client": (
            "permit_mynetworks permit_inet_interfaces permit_sasl_authenticated"
            " permit_tls_clientcerts permit_tls_all_clientcerts"
        ),
        "recipient": "permit_auth_destination permit_mx_backup",
        "helo": "permit_naked_ip_address",
        "": "permit",
    }.items():
        for name in names.split():
            found[name] = Restriction("", looks_at, permits=True)
    return found


def _domains() -> dict[str, Restriction]:
    found = {
        name: Restriction("domain", looks_at, rejects=True)
        for looks_at, names in {
            "client": (
                "reject_rbl_client reject_rbl reject_rhsbl_client reject_rhsbl_reverse_client"
            ),
            "helo": "reject_rhsbl_helo",
            "sender": "reject_rhsbl_sender",
            "recipient": "reject_rhsbl_recipient",
        }.items()
        for name in names.split()
    }
    for name in ("permit_dnswl_client", "permit_rhswl_client"):
        found[name] = Restriction("domain", "client", permits=True, claimed=True)
    return found


RESTRICTIONS: Mapping[str, Restriction] = MappingProxyType(
    {
        **_tables(),
        **_plain(),
        **_domains(),
        "check_policy_service": Restriction("policy", "", permits=True, rejects=True),
        "sleep": Restriction("number"),
        "warn_if_reject": Restriction(),
    }
)

# smtpd(8) refuses to start when neither smtpd_relay_restrictions nor smtpd_recipient_restrictions
# has one of these (smtpd_check_init(); check_relay_domains is gone in 3.9 but still counts).
GUARDS = frozenset(
    (
        "reject_unauth_destination",
        "defer_unauth_destination",
        "reject",
        "defer",
        "defer_if_permit",
        "check_relay_domains",
    )
)

REMOVED = {
    "permit_mx_backup": ("3.9", "list the domains in relay_domains"),
    "check_relay_domains": ("3.9", "write permit_mynetworks, reject_unauth_destination"),
    "reject_maps_rbl": ("3.9", "write reject_rbl_client and the name of the list"),
    "permit_naked_ip_address": ("3.9", "write permit_mynetworks"),
}
"""Word: the version whose log says that support is gone or going, and what to write instead."""
