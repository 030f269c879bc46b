"""The command `mx destroy`: everything of a stack goes."""

from __future__ import annotations

import sys

import click

from components.settings.stack_file import settings_of

from . import engine, queues, state, taken
from .app import STACK, Failure, mx
from .codes import FAILED, OK, USAGE
from .console import safe, say, show, tell
from .verbs_apply import ENGINE_OPTIONS, carry_out
from .wait import waiting


@mx.command(context_settings=ENGINE_OPTIONS)
@click.argument("stack", type=STACK)
@click.option("--yes", "-y", is_flag=True, help="Do not ask; needed without a terminal.")
@click.argument("pulumi_options", nargs=-1, type=click.UNPROCESSED)
def destroy(stack: str, yes: bool, pulumi_options: tuple[str, ...]) -> int:
    """Remove everything of the stack from its hosts and from DNS.

    The command first lists the records and hosts that it takes away, and counts the
    mail queues. Queued mail would stay on the host, and nobody would deliver it.
    Records that were taken over (`mx adopt`) go too; the command prints how to keep
    them. Packages stay installed.

    Example: mx destroy production

    Exit codes: 0 done, 1 something failed or another name was typed, 64 the
    question could not be asked, 130 Ctrl-C.
    """
    engine.install()
    state.locked(stack)
    settings = settings_of(stack)
    with waiting(f"{stack}: counting the mail queues"):
        counted = queues.count(settings)
        resources = state.deployment(stack).get("resources") or []
    if not resources:
        tell(f"the state of {stack} has nothing; there is nothing to take away")
        return OK
    gone = taken.words(resources) or f"{len(resources)} resources, no record and no host of them"
    say(f"{stack}: this takes away {'at most ' * bool(pulumi_options)}{gone}.")
    for line in taken.lines(resources):
        say(f"  {line}")
    if kept := taken.adopted(resources):
        say(
            "Of these records, some were there before MX and were taken over. To keep them as they "
            "are, take them out of the state first:"
        )
        for urn in kept:
            print(f"        mx pulumi {stack} state delete --yes '{safe(urn)}'")
    show(queues.table(counted))
    if any(number for number in counted.values()):
        tell("messages wait in a queue: deliver them first, or they are lost with the host")
    if any(number is None for number in counted.values()):
        tell("the queue of a host could not be read: its messages may be lost")
    if not yes:
        if not sys.stdin.isatty():
            raise Failure("nobody can answer here: add --yes", USAGE)
        if "MX record" in gone:
            tell(
                "only the stack's own MX records go. If a domain has no others then, senders try "
                "the address of the domain's own name, or return the mail"
            )
        question = f"Type {stack} to take the stack away"
        answer = click.prompt(question, err=True, default="", show_default=False)
        if answer != stack:
            tell(f"{answer!r} is not {stack}: nothing was changed")
            return FAILED
    options = ["--continue-on-error", *pulumi_options]
    expected = {} if pulumi_options else taken.count(resources, settings.hosts)
    code = carry_out(stack, "destroy", options, None, expected=expected)
    if code == OK and not pulumi_options:
        tell(
            "packages, keys and certificates stay on the hosts (docs/moving-a-domain.md, What "
            f"stays). stacks/Pulumi.{stack}.yaml and the empty state stay here: `mx up {stack}` "
            f"makes all of it again. To remove the state: mx pulumi {stack} stack rm"
        )
    return code
