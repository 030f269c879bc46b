"""The root of the command line: names, help, exit codes and what a wrong call looks like."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from difflib import get_close_matches

import click
from click.shell_completion import CompletionItem

from components.settings.environment import SettingsError
from components.settings.stack_file import path, settings_of

from .codes import FAILED, INTERRUPTED, USAGE
from .console import program, tell
from .engine import ROOT, product_version

_ALIKE = 0.85
# Of commands to which options for the engine may be given.
ENGINE_OPTIONS = {"ignore_unknown_options": True}
HELP = ["-h", "--help"]
CONTEXT = {"help_option_names": HELP, "max_content_width": 80}
EPILOG = (
    "Exit codes: 0 done and nothing found, 1 failed, 2 something found (a change, drift, a fault), "
    "64 wrong command line, 130 ended by Ctrl-C."
)


class Failure(Exception):
    """The command cannot go on. The text says what was wrong and what to do."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


class StackName(click.ParamType[str]):
    """The name of a stack: `production` for stacks/Pulumi.production.yaml."""

    name = "stack"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, when the stack's file exists."""
        if value.startswith("-"):
            _refuse_misspelt(value, ctx)
            self.fail(f"{value} is no option of this command; give the stack first", param, ctx)
        if not path(value).is_file():
            self.fail(
                f"there is no stacks/Pulumi.{value}.yaml. Known stacks: {', '.join(stacks())}. "
                f"`{program()} init {value}` makes a new one.",
                param,
                ctx,
            )
        return value

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The stacks that begin with what is typed."""
        return [CompletionItem(name) for name in stacks() if name.startswith(incomplete)]


def stacks() -> list[str]:
    """The names of all stack files."""
    files = sorted((ROOT / "stacks").glob("Pulumi.*.yaml"))
    return [file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in files]


class HostName(click.ParamType[str]):
    """The name of an MX host in the stack file, after the name of the stack."""

    name = "host"

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str | None:
        """The hosts of the stack, when none is given."""
        known = ", ".join(_hosts(ctx))
        return f"The hosts of the stack: {known}" if known else None

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The hosts that begin with what is typed."""
        return [CompletionItem(name) for name in _hosts(ctx) if name.startswith(incomplete)]


def _hosts(ctx: click.Context | None) -> list[str]:
    """The hosts of the stack that is named before; none when the stack file is wrong."""
    stack = ctx.params.get("stack") if ctx is not None else None
    with suppress(SettingsError):
        return list(settings_of(stack).hosts) if stack else []
    return []


def _refuse_misspelt(word: str, ctx: click.Context | None) -> None:
    """Raise click.NoSuchOption for what is almost an option of the command."""
    if ctx is None or not word.startswith("--"):
        return
    own = [name for option in ctx.command.params for name in option.opts if len(name) > 2]
    name = word.partition("=")[0]
    alike = get_close_matches(name, own, 1, _ALIKE)
    if alike and name not in own:
        raise click.NoSuchOption(word, possibilities=alike, ctx=ctx)


def engine_options(command: Callable[..., int]) -> Callable[..., int]:
    """Let options for the engine follow; one that is almost an option of the command is refused."""

    def known(
        ctx: click.Context, param: click.Parameter, given: tuple[str, ...]
    ) -> tuple[str, ...]:
        for each in given:
            _refuse_misspelt(each, ctx)
        return given

    return click.argument("pulumi_options", nargs=-1, type=click.UNPROCESSED, callback=known)(
        command
    )


STACK = StackName()
HOST = HostName()


@click.group(context_settings=CONTEXT, epilog=EPILOG, no_args_is_help=True)
@click.version_option(product_version(), prog_name="mx", message="%(prog)s %(version)s")
def mx() -> None:
    """Turn Debian servers into mail exchangers, and look after them.

    Each command explains itself: mx COMMAND --help. The usual order for a new
    environment is init, check, preview, up.
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; a user's mistake is never a traceback."""
    try:
        result = mx.main(
            args=list(arguments) if arguments is not None else None,
            prog_name="mx",
            standalone_mode=False,
        )
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return USAGE
    except click.UsageError as error:
        if error.ctx is not None:
            print(error.ctx.get_usage(), file=sys.stderr)
        tell(error.format_message())
        return USAGE
    except click.ClickException as error:
        tell(error.format_message())
        return FAILED
    except (click.Abort, KeyboardInterrupt) as error:
        # Click has ended the line, but not at a question. Each question comes before what it asks
        # about, and nothing is changed before a question.
        question = isinstance(error, click.Abort) and error.__cause__ is None
        if error.__cause__ is None:
            print(file=sys.stderr)
        tell("ended by Ctrl-C; nothing was changed" if question else "ended by Ctrl-C")
        return INTERRUPTED
    except Failure as error:
        tell(str(error))
        return error.code
    except SettingsError as error:
        tell(str(error))
        return FAILED
    except BrokenPipeError:
        raise
    except OSError as error:
        tell(f"{error.filename or 'system'}: {error.strerror or error}")
        return FAILED
    return result if isinstance(result, int) else 0
