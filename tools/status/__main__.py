"""The command line of `scripts/status`."""

from __future__ import annotations

import argparse
import json
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict

from pydantic import ValidationError

from components.dns import records as dns_records
from components.settings import stack_file
from components.settings.environment import Settings, SettingsError
from components.settings.text import visible
from components.settings.types import hostname
from components.stack.outputs import Outputs
from tools.arguments import Parser
from tools.status import expected, keys, mailboxes, renewal, run
from tools.status.check import Check, Finding
from tools.status.names import Names, NoResolver
from tools.status.reputation import BLOCKLISTS
from tools.status.smtp import Smtp
from tools.status.world import Web, World

_EPILOG = (
    "Exit codes: 0 no fault and no warning, 1 the check could not be made, 2 a fault or a "
    "warning, 64 wrong usage."
)


def parser() -> Parser:
    """The parser of the command line."""
    top = Parser(
        prog="scripts/status",
        description=(
            "Check a mail domain from outside, as other mail servers see it. The domain can be "
            "anybody's."
        ),
        epilog=_EPILOG,
    )
    top.add_argument("domains", nargs="*", metavar="DOMAIN")
    top.add_argument("--stack", metavar="NAME", help="check all domains of stacks/Pulumi.NAME.yaml")
    top.add_argument(
        "--outputs",
        action="store_true",
        help=(
            "also read `pulumi stack output --json` on stdin, and report failing renewals with "
            "their reasons"
        ),
    )
    top.add_argument("--json", action="store_true", help="findings as JSON")
    top.add_argument("--resolver", metavar="IP[@PORT]", help="ask this validating resolver")
    top.add_argument(
        "--ca-file", metavar="PEM", help="also trust the certificate authorities in this file"
    )
    top.add_argument("--selector", action="append", default=[], metavar="NAME", help="of DKIM")
    top.add_argument(
        "--blocklist",
        action="append",
        metavar="ZONE",
        help="ask this block list instead of the usual ones",
    )
    top.add_argument("--no-blocklists", action="store_true", help="ask no block list")
    top.add_argument("--helo", default=socket.getfqdn(), metavar="NAME", help="name for EHLO")
    top.add_argument("--port", type=int, default=25, metavar="N", help="of SMTP (25)")
    top.add_argument("--timeout", type=float, default=10, metavar="SECONDS", help="an answer (10)")
    top.add_argument("--days", type=int, default=14, metavar="N", help="a certificate needs (14)")
    return top


def world(options: argparse.Namespace) -> World:
    """The world as the options say."""
    lists = BLOCKLISTS if options.blocklist is None else dict.fromkeys(options.blocklist, "")
    seconds, ca_file = options.timeout, options.ca_file
    return World(
        Names(options.resolver, seconds),
        Smtp(options.helo, options.port, seconds, ca_file),
        Web(seconds=seconds, ca_file=ca_file),
        tuple(options.selector),
        {} if options.no_blocklists else lists,
        options.days,
    )


def text(names: list[str], found: list[Finding]) -> str:
    """What is wrong, why it matters and what to do, for people; a reason is there once in a row."""
    lines = []
    for each, last in run.with_last(found):
        # A foreign server's words may be in each of them.
        subject, what, why, cure = (
            visible(part, but="") for part in (each.subject, each.what, each.why, each.cure)
        )
        lines.append(f"{each.severity}: {subject}: {what} [{each.check}]")
        if last:
            lines += [f"    why: {why}", f"    do:  {cure}"]
    lines.append(run.summary(names, found))
    return "\n".join(lines)


def printed(names: list[str], found: list[Finding]) -> None:
    """Print the findings as plain text."""
    print(text(names, found))


def complained(text: str) -> None:
    """Print an error."""
    print(text, file=sys.stderr)


def _held(settings: Settings) -> dict[str, list[str]]:
    """Domain to the hosts that serve it without an MX record of the stack."""
    left = {
        name: {*settings.keepers(name)} - {*settings.exchangers(name)} for name in settings.domains
    }
    return {
        name: sorted(settings.hosts[key].hostname for key in keys)
        for name, keys in left.items()
        if keys
    }


def main(
    arguments: list[str] | None = None,
    show: Callable[[list[str], list[Finding]], None] = printed,
    say: Callable[[str], None] = print,
    complain: Callable[[str], None] = complained,
) -> int:
    """Run the command line.

    `show` prints the findings for a person, `say` prints other lines, `complain` an error.
    """
    top = parser()
    options = top.parse_args(arguments)
    names, more, at, told = list(options.domains), list[Check](), list[Check](), list[Finding]()
    behind: list[mailboxes.MailboxTls] = []
    ours: set[str] = set()
    held: dict[str, list[str]] = {}
    if options.stack:
        try:
            settings = stack_file.settings_of(options.stack)
        except SettingsError as error:
            complain(f"status: {error}")
            return 1
        names += [*settings.domains, *settings.dns.parked_domains]
        behind = mailboxes.mailbox_tls(settings)
        held = _held(settings)
        hostnames = {host.hostname for host in settings.hosts.values()}
        table = dns_records.records(settings)
        more += [expected.check(table, hostnames), expected.beside(table, hostnames)]
        ours = {*settings.domains, *hostnames}
        if settings.certificates is not None:
            at.append(renewal.late(hostnames, settings.certificates.renew_days))
    if options.outputs:
        try:
            told = renewal.told(Outputs.model_validate_json(sys.stdin.read()))
        except ValidationError:
            complain(
                "status: what stdin has is not what `mx pulumi STACK stack output --json` prints"
            )
            return 1
    names = list(dict.fromkeys(names))
    if not names:
        top.error("give a domain or --stack")
    for name in options.domains:
        try:
            hostname(name)
        except ValueError as error:
            top.error(f"{error}, such as example.org")
    try:
        around = world(options)
    except NoResolver as error:
        complain(f"status: {error}")
        return 1
    failed = [name for name in names if around.names.ask(name, "SOA").outcome == "failed"]
    if len(failed) == len(names):
        complain(
            f"status: {', '.join(failed)}: the resolver {around.names.server}, does not answer; "
            "--resolver IP asks another one"
        )
        return 1
    found = keys.named(run.domains(around, names, more, at, told, held), ours, held)
    if options.json:
        document = {
            "domains": names,
            "findings": [asdict(each) for each in found],
            "mailbox_hosts": [asdict(each) for each in behind],
        }
        print(json.dumps(document, indent=2))
    else:
        for each in behind:
            say(visible(str(each), but=""))
        for name, hosts in held.items():
            say(
                f"{name}: `leavingMx` or `leaving` holds back the MX records of "
                f"{', '.join(hosts)}. These hosts are checked too"
            )
        show(names, found)
        say(f"DNS was asked at the resolver {around.names.server}")
        say(f"block lists asked: {', '.join(around.blocklists) or 'none'}")
    return 2 if any(each.severity != "notice" for each in found) else 0


if __name__ == "__main__":
    sys.exit(main())
