"""Lookup tables of Postfix that are files; the others are in the database (sql_maps.py)."""

from __future__ import annotations

import re

from components.settings.environment import Settings

NEXT_HOPS = "/etc/postfix/tables/next_hops.regexp"
# Parameters of postconf(5) by which an operator names a next hop under `postfix.extra`.
_NAMING = (
    *("relayhost", "relay_transport", "default_transport", "fallback_transport"),
    *("smtp_fallback_relay", "lmtp_fallback_relay", "sender_dependent_relayhost_maps"),
)
_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.[a-z][a-z0-9-]*", re.IGNORECASE)
# What smtp(8) itself says of a next hop (smtp_addr.c, smtp_proto.c); what a next hop answered
# begins with "host NAME[ADDRESS] said". {} are the names.
_FAULTS = (
    r"\.4\.[34] Host or domain name not found\. Name service error for name={} type=.*",
    r"\.4\.4 unable to look up host {}: .*",
    r"\.4\.4 {}: host not found",
    r"\.4\.6 mail for \[?{}\]?(:[0-9]+)? loops back to myself",
)


def mynetworks(settings: Settings) -> str:
    """cidr_table(5) of the clients that may relay: loopback, then the trusted networks."""
    rows = ["127.0.0.0/8 permit", "::1/128 permit"]
    return "\n".join(rows + [f"{network} permit" for network in settings.postfix.mynetworks]) + "\n"


def next_hops(settings: Settings) -> list[str]:
    """The names of every next hop that the configuration holds, sorted."""
    names = {mailbox.hostname for mailbox in settings.mailbox_hosts.values()}
    for parameter in _NAMING:
        names |= set(_NAME.findall(settings.postfix.extra.get(parameter, "").lower()))
    return sorted(names)


def next_hop_faults(settings: Settings) -> str:
    """regexp_table(5) of delivery status: a next hop of ours without an address is put off.

    That such a name has no address, or the MX host's own, is a mistake in DNS and no answer to a
    sender: the status becomes 4.x.x and the message waits. All else stays as it is, what a next
    hop answered and names that only a recipient's domain leads to.
    """
    lines = [
        "# Next hops of ours whose name leads nowhere, or back here: mail waits (5.x.x -> 4.x.x)."
    ]
    names = "|".join(re.escape(name).replace("\\-", "-") for name in next_hops(settings))
    lines += [f"/^5({fault.format(f'({names})')})$/ 4$1" for fault in _FAULTS]
    return "\n".join(lines) + "\n"
