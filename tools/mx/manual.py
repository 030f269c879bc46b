"""docs/commands.md: the help of every command, as a page."""

from __future__ import annotations

import click

from . import __main__
from .app import HELP, mx

_HEAD = """# Commands

Written by `scripts/schema`; do not edit. `mx completion bash` prints the lines that make a shell
complete these commands.
"""


def page() -> str:
    """The whole page: first all commands, then the help of each, as a terminal shows it."""
    if not __main__.VERBS:
        raise RuntimeError("no module of commands is loaded")
    parts = [_HEAD, _block(mx, "mx")]
    for name in sorted(mx.commands):
        parts += [f"\n## {name}\n", _block(mx.commands[name], f"mx {name}")]
    return "\n".join(parts)


def _block(command: click.Command, name: str) -> str:
    context = click.Context(
        command,
        info_name=name,
        terminal_width=80,
        max_content_width=80,
        color=False,
        help_option_names=HELP,
    )
    return f"```text\n{command.get_help(context)}\n```\n"
