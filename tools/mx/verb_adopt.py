"""The command `mx adopt`: take over what a live zone has at the names of the stack."""

from __future__ import annotations

import difflib
import json
import sys
from dataclasses import asdict

import click
import pulumi
from rich.text import Text

from components.dns import zones
from components.settings.environment import Settings, from_mapping
from components.settings.stack_file import path, settings_of
from components.stack import zones as stack_zones
from tools.adopt import offers as judged
from tools.adopt import stack_file
from tools.adopt.offers import Edit, Offer

from . import engine, host_facts, zones_api
from .app import STACK, Failure, mx
from .codes import FOUND, OK, USAGE
from .console import agreed, console, folded, safe, tell
from .explain import explain
from .wait import waiting

# Of the JSON document; a change of its form changes this number.
_VERSION = 1


@mx.command()
@click.argument("stack", type=STACK)
@click.option("--dry-run", is_flag=True, help="Show records and lines, write nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask; needed without a terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON. Needs --dry-run or --yes.")
def adopt(stack: str, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Take over the records that a live zone has already.

    The command lists the records of others at the names of the stack. If the
    stack can take a record over unchanged, the command writes its text, TTL and
    ID into the stack file. Hosts that have keys already, as after the loss of the
    state, are asked for them. The comments and the order of the file stay. The
    command changes nothing in the zone, and the next up changes none of these
    records. docs/moving-a-domain.md describes the steps before and after.

    Example: mx adopt production

    Exit codes: 0 nothing is left to take over, 1 the zone or the stack file
    could not be read or written, 2 something is left to take over, 64 a question
    could not be asked.
    """
    if not dry_run and not yes and (as_json or not sys.stdin.isatty()):
        raise Failure("nobody can answer here: add --dry-run or --yes", USAGE)
    engine.install()
    settings = settings_of(stack)
    with waiting(f"{stack}: reading the zones"):
        found = _found(stack, settings)
    taken = [offer for offer in found.offers if offer.edits]
    edits = [edit for offer in taken for edit in offer.edits]
    old, new = _texts(stack, edits)
    if as_json:
        document = {"version": _VERSION, "stack": stack, "written": bool(edits) and not dry_run}
        document |= {"records": [asdict(offer) for offer in found.offers], "beside": found.beside}
        print(json.dumps(document, indent=2))
    else:
        _show(stack, found, old, new)
    if edits and not dry_run:
        if not yes and not agreed(f"\nWrite these lines to {_name(stack)}?"):
            tell("nothing was written")
            return FOUND
        stack_file.write(path(stack), new)
        count = f"{len(taken)} record{'s' * (len(taken) != 1)}"
        tell(f"{_name(stack)}: {count}; next: mx preview {stack}")
    left = len(found.offers) - (0 if dry_run else len(taken))
    return FOUND if left else OK


def _name(stack: str) -> str:
    return f"stacks/Pulumi.{stack}.yaml"


def _found(stack: str, settings: Settings) -> judged.Found:
    """What the zones have. Raises Failure with a line for each fault."""
    looked = zones.look(settings.dns.zones, zones_api.of(stack, settings), False, True)
    if looked.faults or looked.silent:
        lines = looked.faults or [looked.silent]
        raise Failure("\n".join(f"{_name(stack)}: mx:mail.{line}" for line in lines))
    if len(settings.dns.zones) > zones.MOST_ZONES:
        raise Failure(f"of more than {zones.MOST_ZONES} zones the records are not read")
    kept = _kept(stack)
    held = {key: each.identifier for key, each in kept.items()}
    new = [host for host in settings.hosts if f"a-{host}" not in kept]
    try:
        told = host_facts.read(settings, new)
    except pulumi.RunError as error:
        raise Failure(str(error)) from None
    return judged.find(settings, stack_zones.wanted(settings, kept, told), looked.records, held)


def _kept(stack: str) -> dict[str, stack_zones.Kept]:
    """The records that the stack has already, by key. Raises Failure in plain words."""
    done = engine.call(stack, ["stack", "export"])
    if done.returncode != 0:
        raise Failure(explain(done.stderr, stack))
    resources = json.loads(done.stdout)["deployment"].get("resources") or []
    return stack_zones.records_of({each["urn"]: each for each in resources if "outputs" in each})


def _texts(stack: str, edits: list[Edit]) -> tuple[str, str]:
    """The stack file before and after. Raises Failure with the lines to write by hand."""
    with path(stack).open(encoding="utf-8", newline="") as stream:
        old = stream.read()
    if not edits:
        return old, old
    try:
        new = stack_file.edited(old, edits)
    except stack_file.Unwritable as error:
        lines = "\n".join(f"  mx:mail.{'.'.join(where)}: {value}" for where, value in edits)
        raise Failure(
            f"{_name(stack)}: {error}. Nothing was written; write these values by hand:\n{lines}"
        ) from None
    mail = stack_file.mail(new)
    from_mapping(mail, f"{_name(stack)}, with the new lines")
    return old, new


def _show(stack: str, found: judged.Found, old: str, new: str) -> None:
    out = console()
    for offer in found.offers:
        _line(offer)
    for text in found.beside:
        out.print(Text(folded(f"stays   {safe(text)}", sys.stdout), "yellow"), soft_wrap=True)
    if not found.offers:
        out.print(f"{stack}: no record of others is in the place of one of the stack's")
        return
    for line in difflib.unified_diff(
        old.split("\n"), new.split("\n"), _name(stack), _name(stack), lineterm="", n=2
    ):
        style = {"+": "green", "-": "red"}.get(line[:1], "")
        out.print(Text(safe(line), style), soft_wrap=True)


def _line(offer: Offer) -> None:
    head = "adopt   " if offer.edits else "by hand "
    what = f"{offer.name} {offer.ttl} {offer.type} {offer.content} (ID {offer.identifier})"
    style = "green" if offer.edits else "bold red"
    out = console()
    out.print(Text.assemble((head, style), safe(what)), soft_wrap=True)
    out.print(f"        {safe(offer.words)}", soft_wrap=True, markup=False)
