"""The command `mx up`, and how each run of the engine ends."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence

import click
from rich.text import Text

from components.settings.environment import Settings
from components.settings.stack_file import settings_of
from tools import refresh_option
from tools.preview.model import Report

from . import apply, confirmed, cut_off, engine, host_keys, state, terminal
from .app import ENGINE_OPTIONS, STACK, Failure, engine_options, mx
from .codes import FAILED, FOUND, INTERRUPTED, OK, USAGE
from .console import agreed, complain, console, folded, safe, show, tell
from .plan import LONG, plan
from .progress import DNS
from .wait import waiting

_RECORDS = "**cloudflare:index/dnsRecord:DnsRecord::**"
_QUEUES = "**command:local:Command::queues"
_DKIM_KEYS = "**command:remote:Command::*-dkim-**"
# What the engine says of the whole stack after Ctrl-C, which is told below.
_NO_NEWS = ("", "update canceled")
# The state is written once, at the end: a key that is read twice does no harm.
_AT_ONCE = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}


@mx.command(context_settings=ENGINE_OPTIONS)
@click.argument("stack", type=STACK)
@click.option("--yes", "-y", is_flag=True, help="Do not ask; needed without a terminal.")
@click.option("--skip-preview", is_flag=True, help="Apply without a report. Needs --yes.")
@click.option("--plan", "reviewed", metavar="DIGEST", help="Apply only the plan of this name.")
@click.option("--bulk", is_flag=True, help="Make all new records in one run.")
@click.option("--full", is_flag=True, help="Show every line of the report before the question.")
@engine_options
def up(
    stack: str,
    yes: bool,
    skip_preview: bool,
    reviewed: str | None,
    bulk: bool,
    full: bool,
    pulumi_options: tuple[str, ...],
) -> int:
    """Bring hosts and DNS to what the stack file says.

    The command shows the report of `mx preview`, then asks. During the change it
    shows one line of progress for each host, and writes everything to a log file.
    Options of the engine may follow, for example --target.

    Each report has the name of its plan. With --plan the command computes the
    plan again. If the plan differs from the reviewed one, for example because
    somebody changed a host or a zone meanwhile, the command prints the new
    report and applies nothing.

    Example: mx up production

    Exit codes: 0 done, 1 something failed, or the answer was no, or nothing changes
    and a host or the DNS API was not read, 2 the plan differs, 64 the question could
    not be asked, 130 Ctrl-C.
    """
    if reviewed is not None and skip_preview:
        raise Failure("--plan needs the report: leave --skip-preview out", USAGE)
    if not yes and (skip_preview or not sys.stdin.isatty()):
        reason = "--skip-preview needs --yes" if skip_preview else "nobody can answer here"
        raise Failure(f"{reason}: read the report of `mx preview {stack}`, then add --yes", USAGE)
    engine.install()
    state.locked(stack)
    report = None
    if not skip_preview:
        with waiting(f"{stack}: reading hosts and DNS", LONG):
            report = plan(stack, pulumi_options)
        show(terminal.render(report, full))
        if report.verdict != "changes":
            if reviewed is not None and report.verdict == "nothing":
                tell(f"the reviewed plan {reviewed} has nothing left to do")
            return report.exit_code
        if reviewed is not None and report.plan != reviewed:
            tell(
                f"nothing was changed: the plan is {report.plan} now, and {reviewed} was reviewed. "
                "The report above is the new one: review it, then give its plan"
            )
            return FOUND
        if not yes and not agreed(f"\nApply this to {stack}?"):
            tell("nothing was changed")
            return FAILED
    options = refresh_as(report, stack, pulumi_options)
    cut_off.take_over(stack)
    if bulk:
        code = _bulk(stack, [*options, *pulumi_options], pulumi_options)
        if code != OK:
            return code
    return carry_out(stack, "up", [*options, "--continue-on-error", *pulumi_options], report)


def refresh_as(report: Report | None, stack: str, more: tuple[str, ...] = ()) -> Sequence[str]:
    """Read the records as the report did; without a report nobody knows whether they drifted."""
    if refresh_option.given(more):
        return ()
    if report is None:
        return refresh_option.options(stack)
    return refresh_option.REFRESH if report.refreshed else ()


def _bulk(stack: str, options: list[str], given: tuple[str, ...]) -> int:
    """The hosts, then their DKIM keys, then all new records at once (scripts/records)."""
    excluded = ["--exclude", _RECORDS, "--exclude", _DKIM_KEYS, "--exclude", _QUEUES]
    code = carry_out(stack, "up", ["--continue-on-error", *options, *excluded], None)
    if code == OK:
        code = carry_out(stack, "up", [*given, "--target", _DKIM_KEYS], None, _AT_ONCE)
    if code == OK:
        code = engine.script("records", stack, *given, "--yes", stack=stack)
    return code


def carry_out(
    stack: str,
    verb: str,
    arguments: list[str],
    report: Report | None,
    more: Mapping[str, str] | None = None,
    *,
    expected: Mapping[str, int] | None = None,
    again: str = "",
) -> int:
    """Run `pulumi VERB` for the stack, say how it ended, and return the exit code.

    `report`: of the plan. `more`: variables of the environment. `expected`: the number of changes
    of each host, where there is no report. `again`: the command that goes on after a failure.
    """
    settings = settings_of(stack)
    expected = _counted(report) if report else expected or {}
    canary = settings.rollout.canary if verb == "up" else None
    # Also the hosts that are in the state alone.
    hosts = dict.fromkeys([*settings.hosts, *(name for name in expected if name != DNS)])
    outcome = apply.run(stack, verb, arguments, hosts, expected, more, canary)
    host_keys.in_errors(outcome.errors, settings)
    confirmed.in_errors(outcome.errors, settings)
    _say(stack, verb, outcome, settings, report, again or f"mx {verb} {stack}")
    if outcome.code == INTERRUPTED:
        return INTERRUPTED
    return OK if outcome.code == 0 else FAILED


def _counted(report: Report) -> Mapping[str, int]:
    expected = Counter(change.host for change in report.changes)
    expected.pop("", None)
    if report.records:
        expected[DNS] = len(report.records)
    return expected


def new_in_dns(settings: Settings, report: Report | None) -> list[str]:
    """The mail domains that get records which they did not have."""
    made = [each.name for each in report.records if not each.old] if report else []
    return [
        domain
        for domain in settings.domains
        if any(f".{name}".endswith(f".{domain}") for name in made)
    ]


def _say(
    stack: str,
    verb: str,
    outcome: apply.Outcome,
    settings: Settings,
    report: Report | None,
    again: str,
) -> None:
    """What changed, what failed, where, and what to do."""
    out = console(stderr=True)
    for where, texts in outcome.errors.items():
        key = where.partition(":")[0]
        for each in texts:
            if each.strip() in _NO_NEWS:
                continue
            text = each.replace("hosts.*", f"hosts.{key}") if key in settings.hosts else each
            first, *rest = safe(f"{where or stack}: {text}").strip("\n").split("\n")
            told = Text(folded("\n".join([first, *(f"  {line}" for line in rest)]), sys.stderr))
            told.stylize("bold red", 0, len(safe(where or stack)) + 1)
            out.print(told, soft_wrap=True)
    words = {"create": "created", "update": "updated", "delete": "deleted", "import": "taken over"}
    counted = ", ".join(
        f"{count} {words.get(op, op)}" for op, count in sorted(outcome.counts.items())
    )
    result = "done" if outcome.code == 0 else "not finished"
    none = "no change was completed" if outcome.cut_off else "nothing changed"
    out.print(f"{verb}: {stack}: {result}; {counted or none}", soft_wrap=True)
    if outcome.cut_off:
        complain(
            f"in the middle of: {', '.join(outcome.cut_off)}. A host finishes or undoes by itself "
            f"what it has begun: `mx host {stack} HOST` shows when"
        )
    if report and report.unread:
        names = ", ".join(report.unread)
        out.print(f"not read before this run: {names}; see `mx check {stack}`", soft_wrap=True)
    out.print(f"log: {outcome.log}", soft_wrap=True)
    if outcome.code == 0 and (new := new_in_dns(settings, report)):
        if unnamed := [name for name in new if not settings.exchangers(name)]:
            complain(
                f"No MX record of the stack names these hosts for {', '.join(unnamed)}. Send a "
                "message to each of them by hand: docs/moving-a-domain.md, step 4"
            )
        else:
            complain(f"See it from outside: mx status {new[0]}")
    if outcome.code != 0:
        cause = "" if outcome.code == INTERRUPTED else "Put the cause right. "
        out.print(f"{cause}`{again}` again goes on from here.", soft_wrap=True)
