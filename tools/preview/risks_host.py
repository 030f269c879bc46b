"""Risks of what changes on the hosts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.preview import recipients
from tools.preview.model import Change, FileDiff
from tools.preview.risk import Kind, Look, Said, kind, of_changes

_TIGHT = {
    "smtpd_tls_security_level": ("encrypt",),
    "smtp_tls_security_level": ("encrypt", "dane-only", "verify", "secure", "fingerprint"),
}
_RESTARTS = {
    "postfix.service": "Open SMTP connections end, and senders retry",
    "mariadb.service": "Postfix defers mail that arrives meanwhile",
    "unbound.service": "Postfix may defer mail that arrives meanwhile",
}
# What a parameter of Postfix decides, for those with which mail is lost, misrouted or exposed.
_PARAMETERS = {
    "smtpd_milters": "which filters (spam, DKIM) see the mail that arrives by SMTP",
    "non_smtpd_milters": "which filters (spam, DKIM) see the mail that this host sends itself",
    "milter_default_action": "what happens to mail while the spam filter is down",
    "mydestination": "for which domains Postfix delivers mail on this host",
    "relay_domains": "for which domains Postfix accepts mail",
    "relayhost": "to which host Postfix sends all outgoing mail",
    "smtp_fallback_relay": "to which host Postfix sends mail when the usual host does not answer",
    "transport_maps": "to which host Postfix sends mail",
    "virtual_alias_maps": "to which address Postfix sends mail",
    "always_bcc": "who gets a copy of all mail",
    "recipient_bcc_maps": "who gets copies of mail",
    "sender_bcc_maps": "who gets copies of mail",
    "soft_bounce": "whether senders retry mail that Postfix refuses",
    "maximal_queue_lifetime": "after how long queued mail is returned as undeliverable",
    "bounce_queue_lifetime": "after how long queued bounces are discarded",
    "message_size_limit": "how large a message may be",
    "inet_interfaces": "on which addresses Postfix accepts mail",
    "inet_protocols": "whether Postfix uses IPv4, IPv6 or both",
    "smtpd_reject_unlisted_recipient": "whether Postfix refuses unknown recipients",
    "postscreen_dnsbl_sites": "which clients Postfix refuses",
    "postscreen_dnsbl_threshold": "which clients Postfix refuses",
}
_SETTING = re.compile(r"([+-])([a-z0-9_]+) =(?: (.*))?")
_NETWORKS = "/mynetworks.cidr"
_FIREWALL = "/etc/mx/firewall.nft"
_EXPORTER = "9100"  # monitoring.nodeExporterPort
_SPAM = "/etc/rspamd/local.d/actions.conf"


def _stays(change: Change) -> list[FileDiff]:
    """The files of a component that was there and stays."""
    return [] if change.op in ("create", "delete") else change.files


def _gone(file: FileDiff) -> list[str]:
    return [line[1:] for line in file.lines if line.startswith("-") and line[1:].strip()]


def _came(file: FileDiff) -> list[str]:
    return [line[1:] for line in file.lines if line.startswith("+") and line[1:].strip()]


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
        yield Said(f"{host} leaves the stack: MX removes every component from the host.")


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
    for file in _stays(change):
        if "/schema/" in file.path and file.path.endswith(".sql"):
            name = file.path.rpartition("/")[2]
            yield Said(
                f"the migration {name} changes the schema. MX builds a new database with all rows, "
                "and swaps it with the present one. Tables of your own in the database are lost.",
                change.host,
            )


def _ordered(change: Change) -> Iterable[Said]:
    for file in _stays(change):
        first = {line.split()[0] for line in _came(file)}
        if file.path == "/etc/mx/certificates.json" and {'"profile":', '"ca":'} & first:
            yield Said(
                "the host orders all its certificates again, for the same keys. It serves the "
                "present certificates until the authority has issued the new ones.",
                change.host,
            )


def _networks(change: Change) -> Iterable[Said]:
    for file in change.files if change.op != "delete" else ():
        if file.path.endswith(_NETWORKS):
            before = {line.split()[0] for line in _gone(file)}
            for network in (line.split()[0] for line in _came(file)):
                if network not in before and not network.startswith(("127.", "::1/")):
                    yield Said(f"Clients in {network} may now send mail to any domain.")
            now = {line.split()[0] for line in _came(file)}
            for network in sorted(before - now):
                yield Said(f"Clients in {network} may no longer send mail to other domains.")


def _restrictions(change: Change) -> Iterable[Said]:
    for file in _stays(change):
        gone = [line for line in _gone(file) if not line.startswith("#")]
        if "restrictions" in file.section.lower() and gone:
            yield Said(
                f"a line of the section {file.section} of main.cf is removed or changed. Such "
                "lines decide whose mail is refused.",
                change.host,
            )
            continue
        for name in sorted({match[2] for match in _settings(file)}):
            if name.endswith("_restrictions"):
                yield Said(
                    f"{name} changes. This parameter decides whose mail is refused.", change.host
                )


def _parameters(change: Change) -> Iterable[Said]:
    for file in _stays(change):
        seen: dict[str, dict[str, str]] = {}
        for match in _settings(file):
            seen.setdefault(match[2], {})[match[1]] = (match[3] or "").strip()
        for name, sides in seen.items():
            if name in _PARAMETERS and sides.get("-") != sides.get("+"):
                value = sides.get("+")
                what = f"{name} becomes {value or 'empty'}"
                if value is None:
                    what = f"{name} is removed, so its default applies"
                yield Said(
                    f"{what}. This parameter decides {_PARAMETERS[name]}.",
                    change.host,
                )


def _settings(file: FileDiff) -> Iterable[re.Match[str]]:
    if file.path.startswith("/etc/postfix/"):
        for line in file.lines:
            match = _SETTING.fullmatch(line)
            if match:
                yield match


def _tls(change: Change) -> Iterable[Said]:
    for file in _stays(change):
        for match in _settings(file):
            if match[1] == "+" and match[3] in _TIGHT.get(match[2], ()):
                then = (
                    "Clients without TLS can no longer deliver mail"
                    if match[2].startswith("smtpd_")
                    else "Postfix delivers no mail to servers without matching TLS"
                )
                yield Said(f"{match[2]} becomes {match[3]}. {then}.", change.host)


def _enforce(change: Change) -> Iterable[Said]:
    for file in _stays(change):
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
            ssh = ", ".join(sorted(_ssh(_came(file)))) or "nowhere"
            yield Said(
                "the host gets the firewall of this stack for the first time. The firewall blocks "
                "all services of the host that do not belong to MX, and allows SSH only from "
                f"{ssh}.",
                change.host,
            )


def _firewall(change: Change) -> Iterable[Said]:
    for file in _stays(change):
        if file.path == _FIREWALL and "new file" not in file.attributes:
            lost, got = _ssh(_gone(file)), _ssh(_came(file))
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
    for file in _stays(change):
        if file.path == _SPAM and (_gone(file) or _came(file)):
            yield Said(
                "the spam scores change at which Rspamd refuses, marks or greylists mail.",
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
    of_changes("a network may relay, or no longer", _networks),
    of_changes("restrictions change", _restrictions),
    of_changes("a parameter that decides where mail goes", _parameters),
    of_changes("TLS becomes a condition", _tls),
    of_changes("MTA-STS is enforced", _enforce),
    of_changes("the spam filter's scores change", _spam),
    of_changes("certificates are ordered anew", _ordered),
    of_changes("a migration runs", _migration),
    of_changes("a service restarts", _restarts),
)
