"""Text of a report that stays what it is: no markup, and readable on a phone."""

from __future__ import annotations

import html
import re
import textwrap

from components.settings.text import visible
from tools.preview.budget import Block

# Characters of code that a phone shows without scrolling.
_WIDTH = 46
# What a forge makes a link of by itself: addresses (GFM section 6.9), users, issues.
_LINK = re.compile(r"(?i)(https?:|ftp:|mailto:|xmpp:|www\.|@|#(?=\d))")
# CommonMark section 2.4, with what GitHub adds: tables, strikethrough, mathematics.
_MARKUP = re.compile(r"([\\*_`\[\]~$|])")
# What makes a block of a line that begins with it (CommonMark section 4 and 5).
_BLOCK = re.compile(r"^(\d*)([#+=.)-])")


def lines_of(texts: list[str]) -> list[str]:
    """The lines of all texts."""
    return [visible(line) for text in texts for line in text.removesuffix("\n").split("\n")]


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
    lines = [visible(line) for line in lines]
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return Block(name, f"{head}\n\n{fence}{kind}", tuple(lines), fence, keep)


def one_line(text: str) -> str:
    """The text on one line, with nothing in it that cannot be seen."""
    return visible(text.replace("\n", " "), but="").strip()


def cell(text: str, most: int = 120) -> str:
    """Text in a table, at most so many characters; long names may break."""
    text = one_line(text)
    text = re.sub(r"\S{20,}", lambda word: re.sub(r"([-_./])", "\\1\u200b", word[0]), text)
    short = text if len(text) <= most else text[: most - 1] + "…"
    return _without_markup(short)


def plain(text: str) -> str:
    """One line that neither names a user of the forge nor starts markup, and leads nowhere."""
    parts = re.split(r"(`[^`]+`)", one_line(text))
    # Every second part is code, in which nothing is markup (CommonMark section 6.1).
    shown = "".join(part if at % 2 else _without_markup(part) for at, part in enumerate(parts))
    return _BLOCK.sub(r"\1\\\2", shown)


def code(text: str) -> str:
    """A name as code, where it has nothing that would end the code."""
    text = one_line(text)
    return f"`{text}`" if text and "`" not in text else _without_markup(text)


def in_html(text: str) -> str:
    """One line inside an element of HTML, where Markdown is not read."""
    return _LINK.sub("\\1\u200b", html.escape(one_line(text), quote=False))


def _without_markup(text: str) -> str:
    text = html.escape(_MARKUP.sub(r"\\\1", text), quote=False)
    return _LINK.sub("\\1\u200b", text)
