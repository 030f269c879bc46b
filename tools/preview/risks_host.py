"""Risks of what changes on the hosts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.preview import recipients
from tools.preview.model import Change
from tools.preview.risk import Kind, Look, Said, came, gone, kind, of_changes, stays

_RESTARTS = {
    "postfix.service": "Open SMTP connections end, and senders retry",
    "mariadb.service": "Postfix defers mail that arrives meanwhile",
    "unbound.service": "Postfix may defer mail that arrives meanwhile",
}
_FIREWALL = "/etc/mx/firewall.nft"
_EXPORTER = "9100"  # monitoring.nodeExporterPort
_SPAM = "/etc/rspamd/local.d/actions.conf"


def _recipients(look: Look) -> Iterable[Said]:
    records = look.report.records
    unknown = {each.name for each in records if not each.new and kind(each.old) == "MX"}
    for old, new in look.rows:
        yield from map(Said, recipients.risks(old, new, unknown))


def _mailbox_hosts(look: Look) -> Iterable[Said]:
    for old, new in look.rows:
        ways = []
        for side in (old, new):
            rows = (line.split("\t") for line in side.get("transport", "").split("\n"))
            ways.append({row[0]: row[1] for row in rows if len(row) == 2})
        for domain, way in ways[1].items():
            if ways[0].get(domain, way) != way:
                yield Said(f"Mail for {domain} goes to {way} and no longer to {ways[0][domain]}.")


def _leaves(look: Look) -> Iterable[Said]:
    for host in sorted(look.report.leaving):
        known = any(not each.new and kind(each.old) == "MX" for each in look.report.records)
        early = (
            " An MX record goes in the same run: until its TTL ends, senders try the host in vain, "
            f"and then use another one. To avoid that, set hosts.{host}.leaving first."
        )
        late = (
            " Are its MX records gone for longer than their TTL? Until then senders still try the "
            "host."
        )
        yield Said(
            f"{host} leaves the stack: MX removes every component from the host."
            f"{early if known else late} If the host is lost for good, `mx forget "
            f"{look.report.stack} {host}` does not connect to it."
        )


def _taken_off(change: Change) -> Iterable[Said]:
    if change.op == "delete":
        yield Said(f"MX removes {change.component} from the host.", change.host)


def _replaced(change: Change) -> Iterable[Said]:
    if change.op == "replace":
        yield Said(
            f"the engine does not update {change.component}, but deletes and creates it.",
            change.host,
        )


def _connection(change: Change) -> Iterable[Said]:
    if "connection" in change.why:
        yield Said("the SSH connection changes, so MX applies every component again.", change.host)


def _restarts(change: Change) -> Iterable[Said]:
    for verb, unit in change.units:
        if verb == "restart" and unit in _RESTARTS:
            yield Said(f"{unit} restarts. {_RESTARTS[unit]}.", change.host)


def _migration(change: Change) -> Iterable[Said]:
    for file in stays(change):
        if "/schema/" in file.path and file.path.endswith(".sql"):
            name = file.path.rpartition("/")[2]
            yield Said(
                f"the migration {name} changes the schema. MX builds a new database with all rows, "
                "and swaps it with the present one. Tables of your own in the database are lost.",
                change.host,
            )


def _ordered(change: Change) -> Iterable[Said]:
    for file in stays(change):
        first = {line.split()[0] for line in came(file)}
        if file.path == "/etc/mx/certificates.json" and {'"profile":', '"ca":'} & first:
            yield Said(
                "the host orders all its certificates again, for the same keys. It serves the "
                "present certificates until the authority has issued the new ones.",
                change.host,
            )


def _enforce(change: Change) -> Iterable[Said]:
    for file in stays(change):
        if any(re.fullmatch(r"\+mode:\s*enforce", line) for line in file.lines):
            yield Said(
                "an MTA-STS policy gets the mode enforce. Senders that follow it deliver no mail "
                "when they cannot verify the certificate.",
                change.host,
            )


def _first_firewall(change: Change) -> Iterable[Said]:
    for file in change.files if change.op != "delete" else ():
        new = change.op == "create" or "new file" in file.attributes
        if file.path == _FIREWALL and new:
            ssh = ", ".join(sorted(_ssh(came(file)))) or "nowhere"
            yield Said(
                "the host gets the firewall of this stack for the first time. The firewall blocks "
                "all services of the host that do not belong to MX, and allows SSH only from "
                f"{ssh}.",
                change.host,
            )


def _firewall(change: Change) -> Iterable[Said]:
    for file in stays(change):
        if file.path == _FIREWALL and "new file" not in file.attributes:
            lost, got = _ssh(gone(file)), _ssh(came(file))
            if lost != got:
                yield Said(
                    "the networks that may use SSH change. Removed: "
                    f"{', '.join(sorted(lost - got)) or 'none'}. Added: "
                    f"{', '.join(sorted(got - lost)) or 'none'}. The firewall locks out everybody "
                    "whose address is in a removed network only.",
                    change.host,
                )


def _ssh(lines: Iterable[str]) -> set[str]:
    """The networks in rules that let them reach the port of SSH."""
    rules = [re.search(r"saddr \{(.*)\} tcp dport (\d+) accept", line) for line in lines]
    return {
        network.strip()
        for rule in rules
        if rule and rule[2] != _EXPORTER
        for network in rule[1].split(",")
    }


def _spam(change: Change) -> Iterable[Said]:
    for file in stays(change):
        if file.path == _SPAM and (gone(file) or came(file)):
            was, now = (
                ", ".join(line.strip(" ;") for line in side(file)) or "nothing"
                for side in (gone, came)
            )
            yield Said(
                f"Rspamd refuses, marks or greylists mail from other scores on: {was} becomes "
                f"{now}.",
                change.host,
            )


KINDS = (
    Kind("whose mail is refused", _recipients, first=True),
    Kind("a mailbox host is replaced", _mailbox_hosts, first=True),
    Kind("a host leaves the stack", _leaves, first=True),
    of_changes("a component is taken off", _taken_off),
    of_changes("a resource is replaced", _replaced),
    of_changes("the connection changes", _connection),
    of_changes("the first firewall", _first_firewall, first=True),
    of_changes("other networks reach SSH", _firewall, first=True),
    of_changes("MTA-STS is enforced", _enforce),
    of_changes("the spam filter's scores change", _spam),
    of_changes("certificates are ordered anew", _ordered),
    of_changes("a migration runs", _migration),
    of_changes("a service restarts", _restarts),
)
