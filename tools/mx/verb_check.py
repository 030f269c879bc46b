"""The command `mx check`: whether hosts, zones and mailbox hosts can do what a stack asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

import click
import pulumi
from rich.table import Table
from rich.text import Text

from components.dns.client import Client, Refused, Silent
from components.dns.zones import look
from components.settings import public_addresses
from components.settings.environment import Settings
from components.settings.stack_file import settings_of
from tools import dns_api
from tools.status.names import Names

from . import engine, zones_api
from .app import STACK, Failure, mx
from .check_host import Line, ask, judge_answer
from .codes import FOUND, OK
from .console import console, safe, show
from .wait import waiting

_OUTBOUND = "gmail-smtp-in.l.google.com:25"
_STYLES = {"ok": "green", "notice": "yellow", "fault": "bold red"}
_SECONDS = 10.0


@mx.command()
@click.argument("stack", type=STACK)
@click.option(
    "--outbound",
    default=_OUTBOUND,
    metavar="HOST:PORT",
    help="The mail host with which to try outgoing port 25.",
)
@click.option("--no-outbound", is_flag=True, help="Do not try outgoing port 25.")
@click.option("--resolver", metavar="IP[@PORT]", help="Ask this resolver for PTR records.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(stack: str, outbound: str, no_outbound: bool, resolver: str | None, as_json: bool) -> int:
    """Tell whether hosts and zones can do what the stack asks.

    The command asks each host for its Debian release, memory, disk and addresses,
    and whether the host reaches the mailbox hosts and port 25 of another mail
    server. It asks DNS for the PTR records of the hosts, and Cloudflare for the
    zones and the mail records in them. It changes nothing. Run the command before
    the first `mx up`.

    Example: mx check production

    Exit codes: 0 all is well, 1 the check failed, 2 something is wrong.
    """
    settings = settings_of(stack)
    world = [] if no_outbound else [outbound]
    resolver = resolver or engine.outside(stack).get("resolver")
    try:
        with waiting(f"{stack}: asking hosts, DNS and Cloudflare"):
            lines = [
                *_file(settings, stack),
                *_hosts(settings, world, resolver),
                *_zones(settings, stack),
            ]
    except pulumi.RunError as error:
        raise Failure(str(error)) from None
    if as_json:
        print(json.dumps({"stack": stack, "lines": [asdict(line) for line in lines]}, indent=2))
    else:
        _print(stack, lines)
    return FOUND if any(line.level == "fault" for line in lines) else OK


def _file(settings: Settings, stack: str) -> Iterator[Line]:
    """What a preview refuses in the stack file, though the settings may have it."""
    for fault in public_addresses.faults(settings):
        yield Line("fault", f"stacks/Pulumi.{stack}.yaml", fault, "")


def _hosts(settings: Settings, world: list[str], resolver: str | None) -> Iterator[Line]:
    answers = ask(settings, world)
    names = Names(resolver, _SECONDS)
    for key, answer in answers.items():
        yield from judge_answer(settings, key, answer, names, world)


def _zones(settings: Settings, stack: str) -> Iterator[Line]:
    engine.install()
    try:
        api = zones_api.of(stack, settings)
        found = look(settings.dns.zones, api, write=True, read_records=False)
        for fault in found.faults:
            yield Line("fault", fault.partition(":")[0].removeprefix("dns.zones."), fault, "")
        if found.silent:
            raise Silent(found.silent)
        clients = dns_api.clients(settings.dns, api)
        for name, identifier in () if found.faults else settings.dns.zones.items():
            yield from _zone(clients[identifier], settings, name, identifier)
    except Failure as error:
        yield Line("fault", "Cloudflare", str(error), "")
    except Silent as error:
        yield Line("fault", "Cloudflare", str(error), "check the network from here to the API")


def _zone(client: Client, settings: Settings, name: str, identifier: str) -> Iterator[Line]:
    key = f"dns.zones.{name}"
    try:
        found = client.zone(identifier)
        yield Line("ok", name, f"the token may change the zone, which is {found.get('status')}")
        ours = {host.hostname for host in settings.hosts.values()}
        for domain in settings.domains:
            if domain == name or domain.endswith(f".{name}"):
                for record in _mail_records(client, identifier, domain):
                    if record.rpartition(" ")[2].rstrip(".") in ours:
                        continue  # an MX record of this stack
                    yield Line("notice", name, f"DNS has {record}")
    except Refused as error:
        cure = "the token needs Zone > Zone > Read and Zone > DNS > Edit for this zone"
        yield Line("fault", name, f"{key}: {error}", cure)


def _mail_records(client: Client, zone_id: str, domain: str) -> Iterator[str]:
    """MX, SPF and DMARC records of a domain as `NAME TYPE CONTENT`."""
    for name, kind in ((domain, "MX"), (domain, "TXT"), (f"_dmarc.{domain}", "TXT")):
        for record in client.records(zone_id, name=name, type=kind):
            content = str(record.get("content", "")).strip('"')
            if kind == "MX" or content.lower().startswith(("v=spf1", "v=dmarc1")):
                yield f"{name} {kind} {content}"


def _print(stack: str, lines: list[Line]) -> None:
    out = console()
    subject = ""
    for line in lines:
        if line.subject != subject:
            subject = line.subject
            out.print(Text(safe(subject), "bold"))
        table = Table.grid(padding=(0, 1))
        table.add_column(width=8)
        table.add_column(overflow="fold")
        table.add_row(Text(f"  {line.level}", _STYLES[line.level]), safe(line.what))
        if line.cure:
            table.add_row("", f"do: {safe(line.cure)}")
        show(table)
    faults = sum(line.level == "fault" for line in lines)
    out.print(f"{stack}: {faults or 'no'} fault{'s' * (faults != 1)}")
