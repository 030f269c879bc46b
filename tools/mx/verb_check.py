"""The command `mx check`: whether hosts, zones and mailbox hosts can do what a stack asks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import click
import pulumi
from rich.table import Table
from rich.text import Text

from components.dns.client import Client, Refused, Silent
from components.dns.foreign import number, policy, same
from components.dns.records import Record, records
from components.dns.zones import look
from components.settings import public_addresses
from components.settings.environment import Settings
from components.settings.stack_file import settings_of
from tools import dns_api
from tools.status.names import Names, NoResolver

from . import engine, zones_api
from .app import STACK, Failure, mx
from .check_host import Line, look_at_hosts
from .codes import FOUND, OK
from .console import WHOLE, console, safe, show
from .option_types import HOST_PORT, RESOLVER
from .wait import waiting

_OUTBOUND = "gmail-smtp-in.l.google.com:25"
_STYLES = {"ok": "green", "notice": "yellow", "fault": "bold red"}
_SECONDS = 10.0
# How the texts begin that say who may send for a domain (RFC 7208, RFC 9989).
_POLICIES = ("v=spf1", "v=dmarc1")


@mx.command()
@click.argument("stack", type=STACK)
@click.option(
    "--outbound",
    type=HOST_PORT,
    default=_OUTBOUND,
    metavar="HOST:PORT",
    help="The mail host with which to try outgoing port 25.",
)
@click.option("--no-outbound", is_flag=True, help="Do not try outgoing port 25.")
@click.option(
    "--resolver", type=RESOLVER, metavar="IP[@PORT]", help="Ask this resolver for PTR records."
)
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
                *_hosts(settings, stack, world, resolver),
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


def _hosts(
    settings: Settings, stack: str, world: list[str], resolver: str | None
) -> Iterator[Line]:
    try:
        names = Names(resolver, _SECONDS)
    except NoResolver as error:
        raise Failure(str(error)) from None
    yield from look_at_hosts(settings, names, world, f"mx/{stack}")


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
            yield from _zone(clients[identifier], settings, name, identifier, stack)
    except Failure as error:
        # The first sentence is what is wrong; what follows may have lines to copy.
        what, _, cure = str(error).partition("\n")
        yield Line("fault", "Access to the zones", what, cure)
    except Silent as error:
        yield Line("fault", "Cloudflare", str(error), "check the network from here to the API")


def _zone(
    client: Client, settings: Settings, name: str, identifier: str, stack: str
) -> Iterator[Line]:
    key = f"dns.zones.{name}"
    try:
        found = client.zone(identifier)
        yield Line("ok", name, f"the token may change the zone, which is {found.get('status')}")
        table = records(settings)
        for domain in settings.domains:
            if domain == name or domain.endswith(f".{name}"):
                found_there = [*_mail_records(client, identifier, domain)]
                yield from _void(found_there, name)
                for other in found_there:
                    yield from _judge(other, table, settings, stack, name)
    except Refused as error:
        cure = "the token needs Zone > Zone > Read and Zone > DNS > Edit for this zone"
        yield Line("fault", name, f"{key}: {error}", cure)


@dataclass(frozen=True)
class _Other:
    """A record of the API that is about mail; `policy` is `v=spf1` or `v=dmarc1` of a TXT."""

    name: str
    kind: str
    api: dict[str, Any]
    policy: str = ""

    @property
    def content(self) -> str:
        return str(self.api.get("content", "")).replace('" "', "").strip('"').rstrip(".")


def _mail_records(client: Client, zone_id: str, domain: str) -> Iterator[_Other]:
    """MX, SPF and DMARC records of a domain."""
    for name, kind in ((domain, "MX"), (domain, "TXT"), (f"_dmarc.{domain}", "TXT")):
        for api in client.records(zone_id, name=name, type=kind):
            other = _Other(name, kind, api)
            begins = (each for each in _POLICIES if other.content.lower().startswith(each))
            policy = next(begins, "") if kind == "TXT" else ""
            if kind == "MX" or policy:
                yield _Other(name, kind, api, policy)


def _void(others: list[_Other], zone: str) -> Iterator[Line]:
    """A policy of which a name has several records, so that receivers use none of them."""
    counted = Counter((other.name, policy(other.api)) for other in others if other.policy)
    for (name, kind), count in counted.items():
        if count > 1:
            what = f"{name} has {count} {kind} records, and receivers ignore all of them"
            cure = "remove all but the right one at Cloudflare (RFC 7208 section 4.5, RFC 9989)"
            yield Line("fault", zone, what, cure)


def _judge(
    other: _Other, table: list[Record], settings: Settings, stack: str, zone: str
) -> Iterator[Line]:
    """A notice of a record that is not as the stack publishes it, with what becomes of it."""
    ours = [row for row in table if (row.name, row.type) == (other.name, other.kind)]
    if any(same(row, other.api) for row in ours):
        return
    if other.kind == "MX":
        what, cure = _exchanger(other, ours, settings, stack)
    else:
        what = f"{other.name} TXT {other.content}"
        kept = "the stack publishes none of this kind, and the record stays as it is"
        cure = (
            f"`mx adopt {stack}` takes over a record that somebody else made "
            f"(docs/moving-a-domain.md); `mx drift {stack}` shows one of the stack that somebody "
            "changed"
        )
        if not any(other.policy in str(row.content).lower() for row in ours):
            cure = f"nothing: {kept}"
    yield Line("notice", zone, f"DNS has {what}", cure)


def _exchanger(
    other: _Other, ours: list[Record], settings: Settings, stack: str
) -> tuple[str, str]:
    """What an MX record is, and what becomes of it."""
    what = f"{other.name} MX {number(other.api)} {other.content}"
    target = other.content.lower()
    preference = [row.priority for row in ours if row.content == target]
    if preference:
        what += f"; the stack file gives it the preference {preference[0]}"
        return what, f"see `mx drift {stack}`, or `mx preview {stack}` if the file was edited"
    if target in {host.hostname for host in settings.hosts.values()}:
        what += ", which names a host of this stack and is not in the stack file"
        return what, f"see `mx preview {stack}`: it says whether the next `mx up` removes it"
    return what, (
        "the record stays, and its host gets mail beside the stack's, in the order of the "
        "preferences; docs/moving-a-domain.md says when to remove it. To test the stack's hosts "
        f"before mail goes there, list them under domains.{other.name}.leavingMx first"
        if ours
        else "nothing: the record stays, and no MX record of the stack stands beside it (leavingMx)"
    )


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
        # A line that is to be copied stays whole, as in console.folded.
        cure = safe(line.cure).split("\n")
        if line.cure:
            told = (each for each in cure if not each.startswith(WHOLE))
            table.add_row("", "do: " + "\n".join(told))
        show(table)
        for each in cure:
            if each.startswith(WHOLE):
                out.print(each, soft_wrap=True)
    faults = sum(line.level == "fault" for line in lines)
    out.print(f"{stack}: {faults or 'no'} fault{'s' * (faults != 1)}")
