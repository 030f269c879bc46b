"""Names of the parameters that a version of Postfix knows.

The lists are those of the hosts' own `postconf -dH` (postconf(1)); scripts/postconf-names writes
them, and a host test compares them with a host.
"""

from __future__ import annotations

import difflib
import re
from functools import cache
from pathlib import Path

VERSIONS = {12: "3.7", 13: "3.10"}
"""Release of Debian to version of Postfix."""

# master(5) services make parameters of their own: NAME_destination_recipient_limit and the like.
_PER_TRANSPORT = re.compile(
    r"[a-z0-9_-]+_(destination_(concurrency_(limit|failed_cohort_limit|negative_feedback|"
    r"positive_feedback)|rate_delay|recipient_limit)|initial_destination_concurrency|"
    r"delivery_slot_(cost|discount|loan)|minimum_delivery_slots|extra_recipient_limit|"
    r"recipient_(limit|refill_(delay|limit))|transport_rate_delay|time_limit)"
)


def known_file(version: str) -> Path:
    """Where the names of a version stand, one a line."""
    return Path(__file__).with_name(f"names-{version}.txt")


@cache
def listed(version: str) -> frozenset[str]:
    """The names of a version, "3.7" or "3.10", without those of the operator's own transports."""
    return frozenset(known_file(version).read_text().split())


def known(name: str, version: str) -> bool:
    """Tell whether a version of Postfix knows a parameter, transports' own ones included."""
    return name in listed(version) or _PER_TRANSPORT.fullmatch(name) is not None


def suggestion(name: str, version: str) -> str | None:
    """The known name that was most likely meant.

    smtp_ for smtpd_ and the reverse come first: client and server names differ by one letter.
    """
    for wrong, right in (("smtp_", "smtpd_"), ("smtpd_", "smtp_")):
        other = right + name.removeprefix(wrong)
        if name.startswith(wrong) and other in listed(version):
            return other
    close = difflib.get_close_matches(name, listed(version), n=1, cutoff=0.8)
    return close[0] if close else None
