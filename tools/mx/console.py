"""Output for people: colour and width on a terminal, plain text elsewhere."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console, RenderableType

from components.settings.text import visible

# A program searches whole lines, so a pipe gets lines that are not folded.
_PIPED_WIDTH = 10_000
WHOLE = " " * 8
# Blanks at the end of a line, and the codes of colours there.
_BLANKS = re.compile(r"[ ]+((?:\x1b\[[0-9;]*m)*)$", re.MULTILINE)
_ANSWERS = {"y": True, "yes": True, "n": False, "no": False}
_ROOT = Path(__file__).parents[2]


def safe(text: str) -> str:
    r"""The text with every control character spelled out, for example `\x1b` for an escape."""
    return visible(text, but="\n\t")


def program() -> str:
    """How a person calls `mx` here: `mx` where PATH leads to this one, else `scripts/mx`."""
    found = shutil.which("mx")
    here = _ROOT / "scripts/mx"
    return "mx" if found and Path(found).resolve() == here else "scripts/mx"


def console(stderr: bool = False) -> Console:
    """A console for stdout or stderr.

    Rich switches colour off when the stream is no terminal, for TERM=dumb and for NO_COLOR
    (https://no-color.org). A pipe has no width, and lines there stay whole.
    """
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _PIPED_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def show(what: RenderableType) -> None:
    """Print to stdout without the blanks with which tables fill their lines."""
    out = console()
    with out.capture() as captured:
        out.print(what, crop=False)  # a line that is to be copied may be longer
    print(_BLANKS.sub(r"\1", captured.get().removesuffix("\n")))


def folded(text: str, stream: TextIO) -> str:
    """The text with long lines folded between words on a terminal; as it is elsewhere.

    A pipe gets whole lines, which a program can search. A word that is too long stays whole, so
    that it can be copied, and so does a line that begins with eight blanks. What is left of a line
    stands two columns further in than the line.
    """
    if not stream.isatty():
        return text
    width = console(stderr=stream is sys.stderr).width
    lines = (
        textwrap.wrap(
            line,
            width,
            subsequent_indent=f"{line[: len(line) - len(line.lstrip(' '))]}  ",
            break_long_words=False,
            break_on_hyphens=False,
            replace_whitespace=False,
        )
        if not line.startswith(WHOLE)
        else [line]
        for line in text.split("\n")
    )
    return "\n".join("\n".join(parts) for parts in lines)


def say(text: str) -> None:
    """Print text for a reader to stdout, folded between words."""
    print(folded(safe(text), sys.stdout))


def complain(text: str) -> None:
    """Write text for a reader to stderr, folded between words."""
    print(folded(safe(text), sys.stderr), file=sys.stderr)


def tell(message: str) -> None:
    """Write one message to stderr, with the name of the command before it."""
    complain(f"mx: {message}")


def agreed(question: str) -> bool:
    """Ask on the terminal whether to go on. An empty answer is no; any other is asked again."""

    def known(answer: str) -> bool:
        try:
            return _ANSWERS[answer.strip().lower()]
        except KeyError:
            raise click.UsageError("answer y or n") from None

    shown = folded(f"{question} [y/N]", sys.stderr)
    return bool(click.prompt(shown, "n", show_default=False, err=True, value_proc=known))
