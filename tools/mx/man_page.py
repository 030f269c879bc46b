"""The manual page mx(1), from the same help that `--help` prints; the macros are of man(7)."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from . import engine
from .app import EPILOG, mx

_ENVIRONMENT = (
    ("CLOUDFLARE_API_TOKEN", "The token with which zones are read and records are written."),
    ("PULUMI_BACKEND_URL", "Where the state is kept; before ~/.config/mx/STACK.env."),
    ("PULUMI_CONFIG_PASSPHRASE_FILE", "The file with the passphrase of the stack's secrets."),
    ("MX_FORGE_TOKEN", "The token with which `mx comment` writes to a forge."),
    ("NO_COLOR", "When it is set, nothing is printed in colour."),
)
_FILES = (
    ("stacks/Pulumi.STACK.yaml", "The settings of an environment."),
    ("~/.config/mx/STACK.env", "Its state and passphrase, as `mx init` wrote them."),
    ("~/.local/state/mx/log/", "Everything that the last 20 runs of `up` and `destroy` printed."),
)


def page() -> str:
    """The whole page as roff."""
    lines = [
        f'.TH MX 1 "" "mx {engine.product_version()}" "Mail exchangers as code"',
        ".SH NAME",
        r"mx \- turn Debian servers into mail exchangers, and look after them",
        ".SH SYNOPSIS",
        r".B mx",
        r"\fICOMMAND\fR [\fIOPTIONS\fR] [\fIARGUMENTS\fR]",
        ".SH DESCRIPTION",
        *_paragraphs(mx),
        ".SH COMMANDS",
    ]
    for name in sorted(mx.commands):
        lines += _command(name, mx.commands[name])
    lines += [".SH EXIT STATUS", *_text(EPILOG.removeprefix("Exit codes: "))]
    for title, entries in (("ENVIRONMENT", _ENVIRONMENT), ("FILES", _FILES)):
        lines.append(f".SH {title}")
        for name, text in entries:
            lines += [".TP", rf"\fB{_escaped(name)}\fR", *_text(text)]
    return "\n".join(lines) + "\n"


def _command(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=f"mx {name}")
    usage = " ".join(command.collect_usage_pieces(context))
    yield f'.SS "mx {name} {_escaped(usage)}"'
    yield from _paragraphs(command)
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and record[1] and parameter.name != "help":
            yield ".TP"
            yield rf"\fB{_escaped(record[0])}\fR"
            yield from _text(record[1])


def _paragraphs(command: click.Command) -> Iterator[str]:
    """The help of a command, paragraph by paragraph."""
    for number, text in enumerate(re.split(r"\n\s*\n", inspect.cleandoc(command.help or ""))):
        if number:
            yield ".PP"
        yield from _text(" ".join(text.split()))


def _text(text: str) -> list[str]:
    """A line of text. One that begins with a dot or an apostrophe would be a macro."""
    return [f"\\&{_escaped(text)}" if text[:1] in ".'" else _escaped(text)]


def _escaped(text: str) -> str:
    return text.replace("\\", r"\e").replace("-", r"\-").replace('"', r"\(dq").replace("'", r"\(aq")
