"""The command `mx rollback`: shows what would come back, asks, and puts it back."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
import pulumi

from components.settings.environment import Settings
from components.settings.stack_file import settings_of
from tools import rollback as agent
from tools.preview import files
from tools.preview.build import COMMAND, rows_of
from tools.preview.model import Report, Step
from tools.preview.risks import risks

from . import hosts, terminal
from .app import HOST, STACK, Failure, mx
from .check_host import unreachable
from .codes import FAILED, OK, USAGE
from .console import agreed, folded, safe, say, show, tell
from .explain import explain

_NOT_REACHED, _NO_AGENT = 255, 127
_DEFAULT = "postfix"
# Steps of the agent that say how it works, and not what became of the host.
_INNER = ("stage", "checked", "copy", "journal", "record", "daemon-reload", "done")
_AGAIN = (
    "A rollback does not change the stack file: correct the file before the next `mx up`, which "
    "applies it again."
)


def _trouble(settings: Settings, stack: str, host: str, code: int, err: str) -> Failure:
    if code == _NOT_REACHED:
        told = unreachable(settings, host, code, err)
        return Failure(f"{host}: {told.what}; {told.cure}")
    if code == _NO_AGENT:
        return Failure(
            f"{host} has no mx-agent: nothing is set up there. `mx up {stack}` does that"
        )
    return Failure(f"{host}: {explain(err, stack) or f'exit code {code}'}")


def _record(settings: Settings, stack: str, host: str, component: str) -> dict[str, Any]:
    """What the agent keeps of a component on the host; empty when it keeps nothing."""
    if not component.replace("-", "").isalnum() or not component[0].isalpha():
        raise Failure(f"{component!r} is not the name of a component", USAGE)
    path = f"/var/lib/mx-agent/bundles/{component}.json"
    sudo = hosts.sudo(settings)
    line = f"test -x /usr/local/sbin/mx-agent || exit 127; {sudo}cat {path}"
    code, out, err = hosts.run(settings, [host], line)[host]
    if code == 0:
        found = json.loads(out)
        return found if isinstance(found, dict) else {}
    if "No such file" in err:
        raise Failure(
            f"there is no component {component} on {host}: `mx rollback {stack} {host} --list` "
            "names the components",
            USAGE,
        )
    raise _trouble(settings, stack, host, code, err)


def difference(stack: str, host: str, component: str, record: dict[str, Any]) -> Report:
    """A report of what the rollback would change, from the agent's record of the component."""
    now, former = ({"stdin": str(record.get(key, ""))} for key in ("text", "previous"))
    step = Step("update", f"urn:pulumi:{stack}::mx::{COMMAND}::{host}-{component}", now, former)
    change = files.change(step, [host])
    report = Report(stack, [change], counts={"update": 1})
    report.risks = risks(report, None, rows_of([step]))
    return report


@mx.command()
@click.argument("stack", type=STACK)
@click.argument("host", type=HOST)
@click.argument("component", required=False)
@click.option(
    "--list", "listed", is_flag=True, help="List the components, and which have a former state."
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask; needed without a terminal.")
def rollback(stack: str, host: str, component: str | None, listed: bool, yes: bool) -> int:
    """Put the former state of a component back on one host.

    The command shows the difference first. Then the host checks the former state,
    applies it and probes the service. If a step fails, the host undoes all of them.
    The command needs SSH to the host, and works without the engine and its state.
    Without COMPONENT the command takes `postfix`, the configuration of Postfix.

    The next preview shows the rollback as drift, and the next `mx up` applies the
    newer state again: correct the stack file first. A second rollback restores the
    newer state, too. MX keeps no former state of a component with a secret.

    Example: mx rollback production mx1 postfix

    Exit codes: 0 done, 1 failed and undone, not reached, or the answer was no,
    64 wrong usage.
    """
    settings = settings_of(stack)
    if host not in settings.hosts:
        known = ", ".join(settings.hosts)
        raise Failure(f"stacks/Pulumi.{stack}.yaml has no host {host}; it has {known}", USAGE)
    try:
        if listed:
            code, out, err = agent.call(settings, host, "status")
            if code != 0:
                raise _trouble(settings, stack, host, code, err)
            print(agent.overview(out))
            return OK
        if component is None:
            component = _DEFAULT
            tell(
                f"no COMPONENT was given, so this is about {component}, the configuration of "
                f"Postfix; `mx rollback {stack} {host} --list` names the others"
            )
        record = _record(settings, stack, host, component)
        if not record.get("previous"):
            raise Failure(
                f"{component} on {host} has no former state to go back to. Either it was applied "
                "only once, or it has a secret, of which no copy is kept."
            )
        show(terminal.render(difference(stack, host, component, record), full=True))
        if not yes:
            if not sys.stdin.isatty():
                raise Failure("nobody can answer here: add --yes", USAGE)
            print(file=sys.stderr)
            tell(_AGAIN)
            if not agreed(f"Put the former state of {component} back on {host}?"):
                tell("nothing was changed")
                return FAILED
        return _go(settings, stack, host, component, told=not yes)
    except pulumi.RunError as error:
        raise Failure(str(error)) from None


def result(host: str, component: str, out: str) -> str:
    """What the agent did, from its steps: files, units, how many probes passed."""
    steps = [line.partition(": ") for line in out.split("\n") if line]
    probes = [rest for name, _, rest in steps if name == "probe"]
    told = [
        f"files: {rest}" if name == "swap" else f"{name}{colon}{rest}"
        for name, colon, rest in steps
        if name not in (*_INNER, "probe")
    ]
    if probes:
        told.append(f"{len(probes)} probe{'s' * (len(probes) != 1)} passed")
    return "\n".join([*told, f"{host}: {component} has its former state again"])


def _go(settings: Settings, stack: str, host: str, component: str, told: bool) -> int:
    """Roll back. `told`: the question has said already what the next `up` does."""
    code, out, err = agent.call(settings, host, f"rollback {component}")
    if code == 0 and component in agent.ON_TRIAL:
        code, confirmed, err = agent.confirm(settings, host, component)
        out = f"{out}\n{confirmed}"
    if out:
        say(result(host, component, out) if code == 0 else out)
    if err:
        print(folded(safe(err), sys.stderr), file=sys.stderr)
    if code in (_NOT_REACHED, _NO_AGENT):
        raise _trouble(settings, stack, host, code, err)
    if code != 0:
        return FAILED
    if not told:
        tell(_AGAIN)
    return OK
