"""Asks the engine for a plan and makes a report of the plan."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from components.settings.environment import SettingsError
from components.settings.stack_file import settings_of
from tools.preview.build import build
from tools.preview.model import Report
from tools.preview.only_drift import only_drift
from tools.preview.read import read
from tools.refresh_option import REFRESH, given, options

from . import engine, host_keys
from .app import Failure
from .explain import explained
from .targets import is_part, unmatched

LONG = (
    "still reading. A DNS API that does not answer is asked eleven times for each record, which "
    "takes three minutes: Ctrl-C and --refresh=false pass the records over"
)
"""Said when a plan takes long: the vendor's plug-in says nothing meanwhile."""
# Of the JSON document that --json prints; a change of its form changes this number.
_VERSION = 1


def plan(
    stack: str,
    more: Sequence[str] = (),
    refresh: bool | None = None,
    drift: bool = False,
    hosts_read: bool = True,
) -> Report:
    """The report of `pulumi preview`. A failed preview is a report too, with its errors.

    Raises Failure when `more` has a --target that is no resource.

    drift: leave out what the settings change. hosts_read: whether the program asks the hosts.

    refresh: whether each record is read at the DNS API; None: only if the program, which lists the
    records, warns that some are not as the stack left them.
    """
    report = _plan(stack, [*(REFRESH if refresh else ()), *more])
    open_yet = refresh is None and not given(more)
    if open_yet and report.records_drifted and (asked := options(stack)):
        report = _plan(stack, [*asked, *more])
    report.errors = explained(report.errors, stack)
    if drift:
        report = only_drift(report, hosts_read)
    with suppress(SettingsError):  # the engine has said already what is wrong in the stack file
        host_keys.in_report(report, settings_of(stack))
    return report


def _plan(stack: str, arguments: Sequence[str]) -> Report:
    done = engine.call(
        stack, ["preview", "--json", "--show-sames", "--non-interactive", *arguments]
    )
    reading = read(done.stdout, done.returncode, done.stderr)
    if not reading.errors and (wrong := unmatched(arguments, (step.urn for step in reading.steps))):
        raise Failure(
            f"{wrong[0]}: no resource of {stack} has this URN. "
            f"`mx pulumi {stack} stack --show-urns` lists them"
        )
    return replace(build(stack, reading), part=is_part(arguments))


def document(report: Report) -> str:
    """The report as a JSON document for programs."""
    found: dict[str, Any] = {"version": _VERSION, "verdict": report.verdict}
    return json.dumps(found | asdict(report), indent=2, ensure_ascii=False)
