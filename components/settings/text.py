"""Text for a reader: invisible characters are found and made visible, words are listed.

Control characters move a terminal's cursor and hide text, U+2028 and its like end a line for some
programs only, and bidirectional characters turn the order of what is shown (UTR 36, UTS 39).
"""

from __future__ import annotations

from collections.abc import Sequence


def invisible(text: str, but: str = "") -> str:
    """The first character that is neither printable nor in `but`, as U+XXXX, else an empty text."""
    found = next((one for one in text if not (one.isprintable() or one in but)), "")
    return f"U+{ord(found):04X}" if found else ""


def visible(text: str, but: str = "\t") -> str:
    """The text with each character that is not printable in the escaped form of a Python string.

    This includes ends of lines: call this for each line of a text with several lines.
    """
    return "".join(
        one if one.isprintable() or one in but else one.encode("unicode_escape").decode()
        for one in text
    )


def listed(words: Sequence[str]) -> str:
    """One or more words as a sentence lists them: `a`, `a and b`, `a, b and c`."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
