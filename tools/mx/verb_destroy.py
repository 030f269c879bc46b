"""The command `mx destroy`: everything of a stack goes."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from components.dns import zones
from components.settings.environment import Settings
from components.settings.stack_file import settings_of

from . import engine, lost, queues, state, taken, zones_api
from .app import ENGINE_OPTIONS, STACK, Failure, engine_options, mx
from .codes import FAILED, OK, USAGE
from .console import say, show, tell
from .verbs_apply import carry_out
from .wait import waiting

_NO_MX = "Senders try the address of the domain's own name then, or return the mail"


@mx.command(context_settings=ENGINE_OPTIONS)
@click.argument("stack", type=STACK)
@click.option("--yes", "-y", is_flag=True, help="Do not ask; needed without a terminal.")
@click.option("--adopted-too", is_flag=True, help="Delete records that were taken over, too.")
@engine_options
def destroy(stack: str, yes: bool, adopted_too: bool, pulumi_options: tuple[str, ...]) -> int:
    """Remove everything of the stack from its hosts and from DNS.

    The command first lists the records and hosts that it takes away, and counts the
    mail queues. Queued mail would stay on the host, and nobody would deliver it.
    Packages stay installed, and records that were taken over (`mx adopt`) stay as
    they are now.

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
    # With --target a person names what goes.
    chosen = any(each.startswith(("--target", "-t", "--exclude")) for each in pulumi_options)
    stay = not adopted_too and not chosen
    kept = taken.adopted(resources, settings.dns.adopt) if stay else []
    leaves = [each for each in resources if each.get("urn") not in kept]
    gone = taken.words(leaves) or f"{len(leaves)} resources, no record and no host of them"
    say(f"{stack}: this takes away {'at most ' * bool(pulumi_options)}{gone}.")
    for line in taken.lines(leaves):
        say(f"  {line}")
    if kept:
        say("These records were there before the stack, which took them over. They stay:")
        for line in taken.lines(each for each in resources if each.get("urn") in kept):
            say(f"  {line}")
    show(queues.table(counted))
    if any(number for number in counted.values()):
        tell("messages wait in a queue: deliver them first, or they are lost with the host")
    if any(number is None for number in counted.values()):
        tell("the queue of a host could not be read: its messages may be lost")
    if not yes:
        if not sys.stdin.isatty():
            raise Failure("nobody can answer here: add --yes", USAGE)
        if "MX record" in gone and not chosen:
            _where_mail_goes(stack, settings, leaves)
        question = f"Type {stack} to take the stack away"
        answer = click.prompt(question, err=True, default="", show_default=False)
        if answer != stack:
            tell(f"{answer!r} is not {stack}: nothing was changed")
            return FAILED
    if kept:
        state.forget(stack, kept, "nothing was taken away")
    options = ["--continue-on-error", *pulumi_options]
    hosts = dict.fromkeys([*settings.hosts, *lost.hosts(leaves)])
    expected = {} if pulumi_options else taken.count(leaves, hosts)
    code = carry_out(stack, "destroy", options, None, expected=expected)
    if code == OK and not pulumi_options:
        tell(
            "packages, keys and certificates stay on the hosts (docs/moving-a-domain.md, What "
            f"stays). stacks/Pulumi.{stack}.yaml and the empty state stay here: `mx up {stack}` "
            f"makes all of it again. To remove the state: mx pulumi {stack} stack rm"
        )
    return code


def _where_mail_goes(stack: str, settings: Settings, leaves: Sequence[Mapping[str, Any]]) -> None:
    """Say which domains keep MX records that are not the stack's, and which are left with none."""
    with waiting(f"{stack}: reading the zones"):
        looked = zones.look(settings.dns.zones, zones_api.of(stack, settings), False, True)
    if looked.faults or looked.silent or set(looked.records) != set(settings.dns.zones):
        tell(
            "The zones could not be read. Only the stack's own MX records go; a domain may have no "
            f"others. {_NO_MX}"
        )
        return
    listed = [record for records in looked.records.values() for record in records]
    none = []
    for domain, others in taken.exchangers(leaves, listed).items():
        if others:
            tell(f"Mail for {domain} goes to {', '.join(others)} then")
        else:
            none.append(domain)
    if none:
        tell(
            f"No MX record is left of {', '.join(none)}. {_NO_MX}. If others are to take the mail, "
            "publish their MX records first (docs/moving-a-domain.md, Out)"
        )
