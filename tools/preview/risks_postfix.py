"""Risks of a changed configuration of Postfix."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.preview.model import Change, FileDiff
from tools.preview.risk import Kind, Said, came, gone, of_changes, stays

_TIGHT = {
    "smtpd_tls_security_level": ("encrypt",),
    "smtp_tls_security_level": ("encrypt", "dane-only", "verify", "secure", "fingerprint"),
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


def _networks(change: Change) -> Iterable[Said]:
    for file in change.files if change.op != "delete" else ():
        if file.path.endswith(_NETWORKS):
            before = {line.split()[0] for line in gone(file)}
            for network in (line.split()[0] for line in came(file)):
                if network not in before and not network.startswith(("127.", "::1/")):
                    yield Said(f"Clients in {network} may now send mail to any domain.")
            now = {line.split()[0] for line in came(file)}
            for network in sorted(before - now):
                yield Said(f"Clients in {network} may no longer send mail to other domains.")


def _restrictions(change: Change) -> Iterable[Said]:
    for file in stays(change):
        lost = [line for line in gone(file) if not line.startswith("#")]
        if "restrictions" in file.section.lower() and lost:
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
    for file in stays(change):
        seen: dict[str, dict[str, str]] = {}
        for match in _settings(file):
            seen.setdefault(match[2], {})[match[1]] = (match[3] or "").strip()
        for name, sides in seen.items():
            if name in _PARAMETERS and sides.get("-") != sides.get("+"):
                old, value = sides.get("-"), sides.get("+")
                what = f"{name} becomes {value or 'empty'}"
                if value is None:
                    what = f"{name} is removed, so its default applies"
                if old is not None:
                    what += f". It was {old or 'empty'}"
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
    for file in stays(change):
        for match in _settings(file):
            if match[1] == "+" and match[3] in _TIGHT.get(match[2], ()):
                then = (
                    "Clients without TLS can no longer deliver mail"
                    if match[2].startswith("smtpd_")
                    else "Postfix delivers no mail to servers without matching TLS"
                )
                yield Said(f"{match[2]} becomes {match[3]}. {then}.", change.host)


KINDS: tuple[Kind, ...] = (
    of_changes("a network may relay, or no longer", _networks),
    of_changes("restrictions change", _restrictions),
    of_changes("a parameter that decides where mail goes", _parameters),
    of_changes("TLS becomes a condition", _tls),
)
