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
    "postfix.service": "open connections end, senders come again",
    "mariadb.service": "mail that comes meanwhile is deferred",
    "unbound.service": "mail that comes meanwhile may be deferred",
}
# What a parameter of Postfix decides, for those with which mail is lost, misrouted or exposed.
_PARAMETERS = {
    "smtpd_milters": "what the spam filter and the DKIM signer see of the mail that comes in",
    "non_smtpd_milters": "what the spam filter and the DKIM signer see of this host's own mail",
    "milter_default_action": "what happens to mail while the spam filter is down",
    "mydestination": "whose mail is delivered on this host",
    "relay_domains": "whose mail is accepted",
    "relayhost": "where all mail goes that leaves",
    "smtp_fallback_relay": "where mail goes that cannot be delivered",
    "transport_maps": "where mail goes",
    "virtual_alias_maps": "where mail goes",
    "always_bcc": "who gets a copy of all mail",
    "recipient_bcc_maps": "who gets copies of mail",
    "sender_bcc_maps": "who gets copies of mail",
    "soft_bounce": "whether refused mail comes again or bounces",
    "maximal_queue_lifetime": "after how long mail that waits is returned as undeliverable",
    "bounce_queue_lifetime": "after how long bounces that wait are thrown away",
    "message_size_limit": "how large a message may be",
    "inet_interfaces": "on which addresses mail is taken",
    "inet_protocols": "whether mail is taken by IPv4 and IPv6",
    "smtpd_reject_unlisted_recipient": "whether unknown recipients are refused",
    "postscreen_dnsbl_sites": "whose clients are refused",
    "postscreen_dnsbl_threshold": "whose clients are refused",
}
_SETTING = re.compile(r"([+-])([a-z0-9_]+) =(?: (.*))?")
_NETWORKS = "/mynetworks.cidr"
_FIREWALL = "/etc/mx/firewall.nft"
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
        yield Said(f"{host} leaves the stack: every component is taken off the host.")


def _taken_off(change: Change) -> Iterable[Said]:
    if change.op == "delete":
        yield Said(f"{change.component} is taken off the host.", change.host)


def _replaced(change: Change) -> Iterable[Said]:
    if change.op == "replace":
        yield Said(f"{change.component} is replaced, not updated.", change.host)


def _connection(change: Change) -> Iterable[Said]:
    if "connection" in change.why:
        yield Said("the connection changed, so every bundle there is applied again.", change.host)


def _restarts(change: Change) -> Iterable[Said]:
    for verb, unit in change.units:
        if verb == "restart" and unit in _RESTARTS:
            yield Said(f"{unit} restarts; {_RESTARTS[unit]}.", change.host)


def _migration(change: Change) -> Iterable[Said]:
    for file in _stays(change):
        if "/schema/" in file.path and file.path.endswith(".sql"):
            name = file.path.rpartition("/")[2]
            yield Said(
                f"migration {name} runs on a copy, which then takes the tables' place; "
                f"{change.component} cannot be rolled back to before it.",
                change.host,
            )


def _ordered(change: Change) -> Iterable[Said]:
    for file in _stays(change):
        first = {line.split()[0] for line in _came(file)}
        if file.path == "/etc/mx/certificates.json" and {'"profile":', '"ca":'} & first:
            yield Said(
                "all certificates are ordered anew; keys stay, and what is served stays until the "
                "authority has issued.",
                change.host,
            )


def _networks(change: Change) -> Iterable[Said]:
    for file in change.files if change.op != "delete" else ():
        if file.path.endswith(_NETWORKS):
            before = {line.split()[0] for line in _gone(file)}
            for network in (line.split()[0] for line in _came(file)):
                if network not in before and not network.startswith(("127.", "::1/")):
                    yield Said(f"{network} may relay to anywhere.")
            now = {line.split()[0] for line in _came(file)}
            for network in sorted(before - now):
                yield Said(f"{network} may no longer send mail to the world through this stack.")


def _restrictions(change: Change) -> Iterable[Said]:
    for file in _stays(change):
        if "restrictions" in file.section.lower() and _gone(file):
            yield Said(f"a line leaves {file.section}; read it twice.", change.host)
            continue
        for name in sorted({match[2] for match in _settings(file)}):
            if name.endswith("_restrictions"):
                yield Said(f"{name} changes: it decides whose mail is refused.", change.host)


def _parameters(change: Change) -> Iterable[Said]:
    for file in _stays(change):
        seen: dict[str, dict[str, str]] = {}
        for match in _settings(file):
            seen.setdefault(match[2], {})[match[1]] = (match[3] or "").strip()
        for name, sides in seen.items():
            if name in _PARAMETERS and sides.get("-") != sides.get("+"):
                value = sides.get("+")
                what = f"{name} = {value or 'nothing'}"
                if value is None:
                    what = f"{name} goes, and its default"
                yield Said(f"{what} decides {_PARAMETERS[name]}.", change.host)


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
                yield Said(
                    f"{match[2]} = {match[3]} turns away peers without matching TLS.", change.host
                )


def _enforce(change: Change) -> Iterable[Said]:
    for file in _stays(change):
        if any(re.fullmatch(r"\+mode:\s*enforce", line) for line in file.lines):
            yield Said(
                "MTA-STS enforce: senders refuse to deliver when TLS does not verify.", change.host
            )


def _first_firewall(change: Change) -> Iterable[Said]:
    for file in change.files if change.op != "delete" else ():
        new = change.op == "create" or "new file" in file.attributes
        if file.path == _FIREWALL and new:
            ssh = [
                line.split("saddr")[1].split("tcp")[0].strip(" {}") for line in _ssh(_came(file))
            ]
            yield Said(
                "the first firewall of this stack: whatever else this host serves is cut off, and "
                f"SSH is let in from {' and '.join(ssh) or 'anywhere'} only.",
                change.host,
            )


def _firewall(change: Change) -> Iterable[Said]:
    for file in _stays(change):
        if file.path == _FIREWALL and "new file" not in file.attributes:
            lost, got = _ssh(_gone(file)), _ssh(_came(file))
            if lost or got:
                yield Said(
                    "the networks that reach SSH change: whoever is in none of "
                    f"{' '.join(line.strip() for line in got) or 'the remaining lines'} is locked "
                    "out.",
                    change.host,
                )


def _ssh(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if "saddr" in line and "accept" in line and "9100" not in line]


def _spam(change: Change) -> Iterable[Said]:
    for file in _stays(change):
        if file.path == _SPAM and (_gone(file) or _came(file)):
            yield Said(
                "the scores change at which mail is refused, marked or put off.", change.host
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
