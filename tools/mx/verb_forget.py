"""The command `mx forget`: a host that is lost for good leaves the stack."""

from __future__ import annotations

import sys
from dataclasses import replace

import click

from components.settings.stack_file import settings_of

from . import cut_off, engine, lost, state, terminal
from .app import STACK, Failure, mx
from .codes import FAILED, OK, USAGE
from .console import agreed, say, show, tell
from .plan import LONG, plan
from .progress import is_component
from .verbs_apply import carry_out, refresh_as
from .wait import waiting


@mx.command()
@click.argument("stack", type=STACK)
@click.argument("host")
@click.option("--yes", "-y", is_flag=True, help="Do not ask; needed without a terminal.")
@click.option("--full", is_flag=True, help="Show every line of the report before the question.")
def forget(stack: str, host: str, yes: bool, full: bool) -> int:
    """Take a host that is lost for good out of a stack.

    Remove HOST from the stack file first. The command shows the report of
    `mx preview` without the resources of the host, then asks. It removes the host's
    DNS records and changes the other hosts, as `mx up` does. Then it takes the host
    out of the state.

    The command never connects to the host, which keeps its configuration, its keys
    and its queue. If the machine comes back, install it anew before you connect it
    to a network. To retire a host that works, set `leaving: true` at the host.

    Example: mx forget production mx2

    Exit codes: 0 done, 1 something failed or the answer was no, 64 wrong usage,
    130 Ctrl-C.
    """
    settings = settings_of(stack)
    file = f"stacks/Pulumi.{stack}.yaml"
    if host in settings.hosts:
        raise Failure(f"{file} still has the host {host}: remove hosts.{host} there first", USAGE)
    engine.install()
    state.locked(stack)
    with waiting(f"{stack}: reading hosts and DNS", LONG):
        resources = state.deployment(stack).get("resources") or []
        names = lost.urns(resources, host)
        if not names:
            known = ", ".join(lost.hosts(resources)) or "no host"
            raise Failure(f"the state of {stack} has no host {host}; it has {known}", USAGE)
        excluded = lost.left_out(names)
        with lost.not_asked(host):
            # What is left out is what goes: nothing else is.
            report = replace(plan(stack, excluded), part=False)
    show(terminal.render(report, full))
    if report.verdict == "failed":
        return FAILED
    count = sum(not is_component(name) for name in names)
    say(
        f"\n{host} leaves the state of {stack} with {count} resource{'s' * (count != 1)}. The host "
        "is not asked: its configuration, its keys and the mail in its queue stay on its disk. MX "
        f"hosts that are left: {', '.join(settings.hosts)}."
    )
    if not yes and not sys.stdin.isatty():
        raise Failure("nobody can answer here: read the report above, then add --yes", USAGE)
    if not yes and not agreed(f"\nApply this, and forget {host}?"):
        tell("nothing was changed")
        return FAILED
    cut_off.take_over(stack)
    if report.verdict == "changes":
        options = [*refresh_as(report, stack), "--continue-on-error", *excluded]
        with lost.not_asked(host):
            code = carry_out(stack, "up", options, report, again=f"mx forget {stack} {host}")
        if code != OK:
            return code
    state.forget(stack, names, f"{host} is still in the state")
    if settings.certificates is not None:
        tell(
            f"the disk of {host} has a copy of the token for Cloudflare: if somebody else may get "
            "the disk, make a new token and revoke the old one (docs/lost-host.md)"
        )
    say(
        f"forget: {stack}: {host} is no longer in the state. If the machine comes back, install it "
        "anew before you connect it to the network"
    )
    return OK
