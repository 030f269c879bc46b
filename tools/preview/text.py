"""Text of a report that stays what it is: no markup, and readable on a phone."""

from __future__ import annotations

import html
import re
import textwrap

from tools.preview.budget import Block

# Characters of code that a phone shows without scrolling.
_WIDTH = 46


def lines_of(texts: list[str]) -> list[str]:
    """The lines of all texts."""
    return [line for text in texts for line in text.splitlines()]


def wrapped(texts: list[str]) -> list[str]:
    """Lines that need no scrolling on a phone; what a tool said is read at night."""
    return [
        part
        for line in lines_of(texts)
        for part in textwrap.wrap(line, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)
        or [""]
    ]


def fenced(name: str, head: str, lines: list[str], kind: str = "text", keep: int = 8) -> Block:
    """A code block whose fence is longer than any in its text (CommonMark section 4.5)."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return Block(name, f"{head}\n\n{fence}{kind}", tuple(lines), fence, keep)


def cell(text: str, most: int = 120) -> str:
    """Text in a table, at most so many characters; long names may break."""
    text = re.sub(r"\S{20,}", lambda word: re.sub(r"([-_./])", "\\1\u200b", word[0]), text)
    short = text if len(text) <= most else text[: most - 1] + "…"
    return plain(short).replace("|", "\\|").replace("\n", " ")


def plain(text: str) -> str:
    """Text that neither names a user of the forge nor starts markup."""
    return re.sub(r"([*_`\[\]])", r"\\\1", html.escape(text, quote=False)).replace("@", "@\u200b")
