"""Characters that nobody sees, and text in which they show.

Control characters move a terminal's cursor and hide text, U+2028 and its like end a line for some
programs only, and bidirectional characters turn the order of what is shown (UTR 36, UTS 39).
"""

from __future__ import annotations


def invisible(text: str, but: str = "") -> str:
    """The first character that is not printable, as U+XXXX; nothing when all are, `but` these."""
    found = next((one for one in text if not (one.isprintable() or one in but)), "")
    return f"U+{ord(found):04X}" if found else ""


def visible(text: str, but: str = "\t") -> str:
    """The text with each character that is not printable in the escaped form of a Python string.

    Ends of line are among them: who shows several lines gives each of them here.
    """
    return "".join(
        one if one.isprintable() or one in but else one.encode("unicode_escape").decode()
        for one in text
    )
