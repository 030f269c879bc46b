"""Commands about the program itself: version, completion, and the engine without a wrapper."""

from __future__ import annotations

import subprocess

import click
from click.shell_completion import get_completion_class

from components.settings.stack_file import path

from . import engine
from .app import STACK, Failure, mx
from .codes import OK
from .console import tell

_ENGINE_OPTIONS = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@mx.command()
@click.argument("stack", type=STACK, required=False)
def version(stack: str | None) -> int:
    """Print the versions of MX and of the engine.

    With a stack the command prints the path of the stack file too.

    Example: mx version
    """
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--tags"],
        cwd=engine.ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    print(f"mx {engine.product_version()}{f' ({commit})' if commit else ''}")
    print(f"pulumi {engine.VERSION}")
    if stack:
        tell(f"settings: {path(stack)}")
    return OK


@mx.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the lines with which a shell completes commands.

    The shell then completes options and the names of stacks too.

    Put a link to scripts/mx on your PATH as `mx` first. For zsh write the lines
    into a file _mx of a directory that $fpath has.

    Example: mx completion bash >/etc/bash_completion.d/mx
    """
    found = get_completion_class(shell)
    if found is None:
        raise Failure(f"there is no completion for {shell}")
    print(found(mx, {}, "mx", "_MX_COMPLETE").source())
    return OK


@mx.command()
def man() -> int:
    """Print the manual page, mx(1).

    Example: mx man | man -l -
    """
    from .man_page import page

    print(page(), end="")
    return OK


@mx.command(context_settings=_ENGINE_OPTIONS)
@click.argument("stack", type=STACK)
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED)
def pulumi(stack: str, arguments: tuple[str, ...]) -> int:
    """Run the engine itself, with the state of a stack.

    The engine gets the passphrase of the stack too. Use the command for tasks
    without an mx command: stack output, config set --secret, cancel, state. The
    exit code is the engine's.

    `stack rm` keeps the stack file (--preserve-config).

    Example: mx pulumi production config set --secret cloudflare:apiToken
    """
    engine.install()
    environ = engine.environment(stack)
    name = [] if arguments[0] in ("whoami", "login", "logout", "version") else ["--stack", stack]
    # These take the name as an argument too, and not both ways.
    if arguments[:2] in (("stack", "init"), ("stack", "rm")) and stack in arguments[2:]:
        name = []
    if arguments[:2] == ("stack", "rm") and "--preserve-config" not in arguments:
        # The engine would delete the stack file with the state.
        arguments = (*arguments, "--preserve-config")
    return subprocess.run(
        ["pulumi", *arguments, *name], cwd=engine.ROOT, env=environ, check=False
    ).returncode
