"""Commands that look and change nothing: preview, drift."""

from __future__ import annotations

from typing import Any

import click

from tools.preview.budget import FORGES
from tools.preview.markdown import markdown
from tools.preview.model import Report
from tools.refresh_option import drift_is_read

from . import engine, state, terminal
from .app import ENGINE_OPTIONS, STACK, engine_options, mx
from .console import show as show_text
from .console import tell
from .plan import LONG, document, plan
from .wait import waiting

_FORMATS = ("text", "markdown", "json")


def _report_options(function: Any) -> Any:
    for option in reversed(
        (
            click.option("--full", is_flag=True, help="Show every line of long diffs and lists."),
            click.option(
                "--format",
                "form",
                type=click.Choice(_FORMATS),
                default=None,
                help="Print text (the default), Markdown for a forge, or JSON for a program.",
            ),
            click.option("--json", "as_json", is_flag=True, help="The same as --format json."),
            click.option(
                "--forge",
                type=click.Choice(sorted(FORGES)),
                help="Print Markdown and keep within the size that this forge allows.",
            ),
            click.option(
                "--budget",
                type=click.IntRange(min=1000),
                help="Print Markdown, at most this many bytes.",
            ),
        )
    ):
        function = option(function)
    return function


def show(
    report: Report, form: str | None, forge: str | None, budget: int | None, full: bool
) -> int:
    """Print a report in one of its forms and return the exit code of its verdict."""
    if form == "json":
        print(document(report))
    elif form == "markdown" or forge or budget:
        print(markdown(report, budget or FORGES.get(forge or "")), end="")
    else:
        show_text(terminal.render(report, full))
    return report.exit_code


@mx.command(context_settings=ENGINE_OPTIONS)
@click.argument("stack", type=STACK)
@_report_options
@click.option(
    "--refresh/--no-refresh",
    default=None,
    help="Read each record at the DNS API first, or not. Default: if some were changed there.",
)
@engine_options
def preview(
    stack: str,
    full: bool,
    form: str | None,
    as_json: bool,
    forge: str | None,
    budget: int | None,
    refresh: bool | None,
    pulumi_options: tuple[str, ...],
) -> int:
    """Show what an `up` would change, and change nothing.

    The report has the risks first, then DNS records, files as diffs, restarts,
    and what somebody changed by hand since the last up. Options of the engine may
    follow, for example --target.

    Example: mx preview production

    Exit codes: 0 nothing changes, 1 the preview failed, or it did not reach a host
    or the DNS API and nothing else changes, 2 something changes.
    """
    engine.install()
    by = state.holder(stack)
    if by and not by.endswith("ended"):
        tell(f"{by} runs the engine for {stack} now: this report may change when that run ends")
    with waiting(f"{stack}: reading hosts and DNS", LONG):
        report = plan(stack, pulumi_options, refresh)
    return show(report, "json" if as_json else form, forge, budget, full)


@mx.command()
@click.argument("stack", type=STACK)
@_report_options
def drift(
    stack: str,
    full: bool,
    form: str | None,
    as_json: bool,
    forge: str | None,
    budget: int | None,
) -> int:
    """Show what somebody changed by hand on hosts and in DNS.

    The command reads every host and the DNS API, and compares them with the last up:
    files, modes, owners, packages, units, database rows, rollbacks and records.
    Changes of the stack file that are not applied yet are not drift.

    Example: mx drift production

    Exit codes: 0 nothing differs, 1 the check failed or did not reach a host or the
    DNS API, 2 something differs.
    """
    engine.install()
    # What a run at work has half applied would be told as drift, or not at all.
    state.locked(stack, left=False)
    with waiting(f"{stack}: reading hosts and DNS", LONG):
        # Without drift.read the program lists no records, so the engine reads each of them.
        read = drift_is_read(stack)
        report = plan(stack, refresh=None if read else True, drift=True, hosts_read=read)
    return show(report, "json" if as_json else form, forge, budget, full)
