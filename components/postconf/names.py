"""Which names a version of Postfix knows, and which was meant by one that it does not know."""

from __future__ import annotations

import difflib
from functools import cache

from components.postconf.parameters import parameter, parameters

VERSIONS = {12: "3.7", 13: "3.10"}
"""Release of Debian to version of Postfix."""


@cache
def listed(version: str) -> frozenset[str]:
    """The names of a version ("3.4" to "3.11"), without those of the operator's transports."""
    return frozenset(parameters(version))


def known(name: str, version: str) -> bool:
    """Tell whether a version of Postfix knows a parameter, transports' own ones included."""
    return parameter(name, version) is not None


@cache
def suggestion(name: str, version: str) -> str | None:
    """The known name that was most likely meant.

    smtp_ for smtpd_ and the reverse come first: client and server names differ by one letter.
    """
    for wrong, right in (("smtp_", "smtpd_"), ("smtpd_", "smtp_")):
        other = right + name.removeprefix(wrong)
        if name.startswith(wrong) and other in listed(version):
            return other
    if len(name) > 80:  # longer than any name: no need to compare
        return None
    close = difflib.get_close_matches(name, sorted(listed(version)), n=1, cutoff=0.8)
    return close[0] if close else None
