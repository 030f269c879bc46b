"""Commands that look at one host: host, run."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import click
import pulumi as sdk
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from components.host.answer import OddAnswer
from components.host.drift import UPDATES, waiting
from components.settings.environment import Settings
from components.settings.stack_file import settings_of

from . import hosts
from .app import HOST, STACK, Failure, mx
from .check_host import unreachable
from .codes import FOUND, OK, USAGE
from .console import safe, say, show, tell
from .explain import NO_SUDO, explain

_NOT_REACHED, _NO_AGENT = 255, 127
_ALL = "all"
# A login that is not root has no sbin in its PATH on Debian.
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def settings_with(stack: str, host: str) -> Settings:
    """The settings of the stack. Raises Failure when it has no such host."""
    settings = settings_of(stack)
    if host not in settings.hosts:
        known = ", ".join(settings.hosts)
        raise Failure(f"stacks/Pulumi.{stack}.yaml has no host {host}; it has {known}", USAGE)
    return settings


def as_root(settings: Settings, host: str, command: str) -> tuple[int, str, str]:
    """Run a line of shell as root on a host.

    Raises Failure when the host was not reached, or when its sudo asks for a password.
    """
    line = f"{hosts.sudo(settings)}env {_PATH} sh -c {shlex.quote(command)}"
    try:
        code, out, err = hosts.run(settings, [host], line)[host]
    except sdk.RunError as error:
        raise Failure(str(error)) from None
    # The whole answer: a command that ran may call sudo itself.
    no_sudo = code != 0 and not out and hosts.sudo(settings) and err.strip() == NO_SUDO
    if code == _NOT_REACHED or no_sudo:
        told = unreachable(settings, host, code, err)
        raise Failure(f"{host}: {told.what}; {told.cure}")
    return code, out, err


# What begins with a dash behind the host belongs to the command.
@mx.command("run", context_settings={"allow_interspersed_args": False})
@click.argument("stack", type=STACK)
@click.argument("host", type=HOST)
@click.argument("command", nargs=-1, required=True)
def run_command(stack: str, host: str, command: tuple[str, ...]) -> int:
    """Run a command as root on a host of a stack.

    The login, the port and the pinned host key are those of the stack file; a
    login that is not root uses sudo. The runbooks use this command. With `all` in
    place of HOST the command runs on each host, one after the other.
    Quote a command that has a pipe or a semicolon: 'postqueue -p | tail -n 1'.
    The command reads nothing from the standard input of `mx run`.

    Example: mx run production mx1 postqueue -p

    Exit codes: those of the command; 1 also when the host was not reached. With
    `all`, the highest one.
    """
    if command[0] in ("-h", "--help"):
        print(click.get_current_context().get_help())
        return OK
    words = command[1:] if command[0] == "--" and len(command) > 1 else command
    line = words[0] if len(words) == 1 else shlex.join(words)
    settings = settings_of(stack)
    if host != _ALL or host in settings.hosts:
        return _run(settings_with(stack, host), host, line)
    codes = []
    for each in settings.hosts:
        print(f"{each}:", flush=True)
        try:
            codes.append(_run(settings, each, line))
        except Failure as error:
            tell(str(error))
            codes.append(error.code)
    return max(codes)


def _run(settings: Settings, host: str, line: str) -> int:
    code, out, err = as_root(settings, host, line)
    if out:
        print(out, flush=True)
    if err:
        print(err, file=sys.stderr)
    return code


@mx.command()
@click.argument("stack", type=STACK)
@click.argument("host", type=HOST)
@click.option("--json", "as_json", is_flag=True, help="Print what the host answers, as JSON.")
def host(stack: str, host: str, as_json: bool) -> int:
    """Show what is applied on a host, and what differs from it.

    The command shows the certificates and the waiting updates too. The agent and the
    certificate renewal of the host supply the answers. A component with a former
    state can be rolled back.

    Example: mx host production mx1

    Exit codes: 0 all is as applied, 1 not reached, 2 something differs or failed.
    """
    settings = settings_with(stack, host)
    code, out, err = as_root(
        settings, host, "test -x /usr/local/sbin/mx-agent || exit 127; mx-agent status"
    )
    if code == _NO_AGENT:
        raise Failure(f"{host} has no mx-agent: nothing is set up there. `mx up {stack}` does that")
    if code != 0:
        raise Failure(f"{host}: {explain(err, stack)}")
    agent = json.loads(out)
    _, updates, _ = as_root(settings, host, f"cat {UPDATES}")
    line = "test -x /usr/local/sbin/mx-certificates || exit 0; mx-certificates status"
    code, out, err = as_root(settings, host, line)
    certificates = json.loads(out) if code == 0 and out.strip().startswith(("{", "[")) else None
    if as_json:
        print(json.dumps({"agent": agent, "certificates": certificates}, indent=2))
    else:
        show(Group(*lines_of_agent(stack, host, agent), *_certificates(certificates)))
        with suppress(OddAnswer):
            for text in waiting(host, updates):
                say(f"\n{text}")
    if code != 0:
        raise Failure(f"{host}: mx-certificates: {explain(err, stack)}")
    wrong = agent["unfinished"] or agent["failed"] or _drifted(agent)
    return FOUND if wrong or _failing(certificates) else OK


def _drifted(agent: dict[str, Any]) -> list[str]:
    return [name for name, bundle in agent["bundles"].items() if bundle["drift"]]


def lines_of_agent(stack: str, host: str, agent: dict[str, Any]) -> Iterator[RenderableType]:
    """What the agent of a host says (`mx-agent status`), as text for a terminal."""
    yield Text.assemble((safe(host), "bold"), f": applied by {safe(str(agent['owner']))}")
    if agent["unfinished"]:
        yield Text("A run was cut off. `mx-agent recover` undoes what it left.", "red")
    for name, text in agent["failed"].items():
        yield Text(
            f"{safe(name)}: the change of {safe(text.strip())} failed and was undone; the log of "
            "that `mx up` has the reason (docs/runbooks/MxApplyFailed.md)",
            "red",
        )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("component", "applied", "rollback", "differs"):
        table.add_column(title, overflow="fold")
    drifted = _drifted(agent)
    for name, bundle in sorted(agent["bundles"].items()):
        table.add_row(
            safe(name),
            safe(str(bundle["applied"])),
            "possible" if bundle["former"] else "no former state",
            Text("yes", "yellow") if name in drifted else "no",
        )
    yield table
    if drifted:
        yield Text("\nWhat differs", "bold")
    for name in drifted:
        yield Text(f"  {safe(name)}", "bold")
        for one in agent["bundles"][name]["drift"]:
            what = [text for key, text in one.items() if isinstance(text, str) and key != "bundle"]
            yield Text(f"  * {safe(': '.join(what))}")
    if drifted:
        yield Text(
            f"`mx drift {stack}` shows the lines, `mx up {stack}` brings back what was applied."
        )


def _failing(certificates: Any) -> bool:
    return any(one.get("failingSince") or one.get("notServed") for _, one in _entries(certificates))


def _entries(certificates: Any) -> list[tuple[str, dict[str, Any]]]:
    """Each certificate with what mx-certificates notes of it (its `status`)."""
    found = certificates.items() if isinstance(certificates, dict) else ()
    return [(str(name), one) for name, one in found if isinstance(one, dict)]


def _served(entry: dict[str, Any]) -> str:
    """By what a certificate is served that nothing is wrong with."""
    if "daysLeft" not in entry:
        return ""
    by = ", ".join(map(str, entry.get("servedBy") or ()))
    return f"served by {safe(by)}" if by else "no running service has it"


def _certificates(certificates: Any) -> Iterator[RenderableType]:
    entries = _entries(certificates)
    if not entries:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("certificate", overflow="fold")
    table.add_column("days left", justify="right")
    table.add_column("state", overflow="fold")
    for name, one in entries:
        wrong = []
        if one.get("failingSince"):
            wrong.append(f"renewal fails since {one['failingSince']}: {one.get('error', '')}")
        if one.get("notServed"):
            told = one["notServed"]
            wrong.append(f"not served: {'; '.join(told) if isinstance(told, list) else told}")
        days = one.get("daysLeft")
        table.add_row(
            safe(name),
            f"{days:.0f}" if isinstance(days, int | float) else "none yet",
            Text(safe("; ".join(wrong)), "red") if wrong else _served(one),
        )
    yield Text()
    yield table
