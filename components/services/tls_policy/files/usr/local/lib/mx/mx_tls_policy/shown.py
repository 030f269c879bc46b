"""Texts of clients, DNS and other services, as a log or a terminal may show them."""

from __future__ import annotations


def line(text: str) -> str:
    """The text as one line, with each character that is not printable in escaped form.

    A sender chooses the next hop of a bounce, and the owner of a domain what its DNS says: neither
    may begin a line of the journal or move the cursor of the terminal that shows it.
    """
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )
