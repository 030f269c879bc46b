"""Names and addresses of an environment that contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from components.policies import dmarc, tags, tlsrpt
from components.settings.aliases import Addresses

if TYPE_CHECKING:
    from components.settings.environment import Settings
    from components.settings.host import HostSettings

_SMTP = 25


def twice(path: str, values: Sequence[str]) -> Iterable[str]:
    """A line for each value that a list has more than once."""
    for index, value in enumerate(values):
        if value in values[:index]:
            yield f"{path}[{index}]: {value} is listed twice"


def policy_hosts(settings: Settings) -> dict[str, str]:
    """Name of each policy host of MTA-STS to the YAML path that makes it one."""
    found = {}
    for name, domain in settings.domains.items():
        if domain.records.mta_sts_cname is not None:
            found[f"mta-sts.{name}"] = f"domains.{name}.records.mtaStsCname"
        elif domain.mta_sts is not None:
            found[f"mta-sts.{name}"] = f"domains.{name}.mtaSts"
    return found


def addresses(settings: Settings) -> Addresses:
    """The addresses of the environment as far as the stack file has them."""
    return Addresses(
        recipients={
            name: None if domain.recipients_file is not None else domain.recipients
            for name, domain in settings.domains.items()
        },
        aliases={name: domain.aliases for name, domain in settings.domains.items()},
        parked=settings.dns.parked_domains,
        hosts=_notices(settings),
        policy_hosts=policy_hosts(settings),
        delimiters=settings.postfix.recipient_delimiter,
    )


def _notices(settings: Settings) -> Mapping[str, str | None]:
    known = set(settings.hosts)
    if any({*(d.mx or []), *d.leaving_mx} - known for d in settings.domains.values()):
        # Another fault names the host that does not exist.
        return {host.hostname: None for host in settings.hosts.values()}
    return {host.hostname: settings.notice_recipient(key) for key, host in settings.hosts.items()}


def contradictions(settings: Settings) -> Iterable[str]:
    """A line for each fault; each begins with its YAML path."""
    taken = {host.hostname: f"hosts.{key}" for key, host in settings.hosts.items()}
    served = policy_hosts(settings)
    for key, host in settings.hosts.items():
        path = f"hosts.{key}.hostname"
        if host.hostname in settings.domains:
            yield (
                f"{path}: {host.hostname} is also a mail domain, and both need an SPF record, "
                "but a name can have only one; give the MX host a name below it"
            )
        if host.hostname in served:
            yield (
                f"{path}: {host.hostname} is the MTA-STS policy host of {served[host.hostname]}; "
                "give the MX host another name"
            )
        yield from _listening(f"hosts.{key}", host)
    for key, mailbox in settings.mailbox_hosts.items():
        other = taken.get(mailbox.hostname) or served.get(mailbox.hostname)
        if other is not None and mailbox.port == _SMTP:
            yield (
                f"mailboxHosts.{key}.hostname: {mailbox.hostname} is also {other}, so every "
                "message would loop back to the MX host and bounce. Give the host that has "
                "the mailboxes; if the mailbox server runs on the MX host itself, give a "
                "port other than 25"
            )
    for name in settings.domains:
        if name in served:
            yield (
                f"domains.{name}: {name} is the MTA-STS policy host of {served[name]}, which "
                "accepts no mail"
            )
    for index, name in enumerate(settings.dns.parked_domains):
        other = taken.get(name) or served.get(name)
        if other is not None:
            yield (
                f"dns.parkedDomains[{index}]: {name} is also {other}, which has other records "
                "than a domain without mail; take it off this list"
            )
        for key, mailbox in settings.mailbox_hosts.items():
            if name == mailbox.hostname:
                yield (
                    f"dns.parkedDomains[{index}]: {name} is also mailboxHosts.{key}, whose bounces "
                    "would fail SPF (RFC 7208 section 2.4); take it off this list"
                )
    caa = settings.dns.caa
    if caa is not None and caa.account_uri is not None and len(settings.hosts) > 1:
        yield (
            "dns.caa.accountUri: every MX host has its own account at the authority. With "
            "one URI here all other hosts get no certificates, and their present ones "
            "expire. Leave it out"
        )
    yield from twice("dns.parkedDomains", settings.dns.parked_domains)
    for name, domain in settings.domains.items():
        yield from twice(f"domains.{name}.mx", domain.mx or [])
        yield from twice(f"domains.{name}.leavingMx", domain.leaving_mx)
    yield from _readers(settings)


def _listening(path: str, host: HostSettings) -> Iterable[str]:
    """Interfaces that no sender can reach, or with which master(8) does not start."""
    listed = host.inet_interfaces
    words = [each for each in listed if isinstance(each, str)]
    path = f"{path}.inetInterfaces"
    if words and len(listed) > 1:
        yield (
            f"{path}: {words[0]} must be the only entry, because Postfix would ignore the addresses"
        )
        return
    if words:
        if words == ["loopback-only"]:
            yield f"{path}: no sender can reach loopback-only; give `all` or the host's addresses"
        return
    public = [each for each in map(ip_address, map(str, listed)) if not each.is_loopback]
    for kind, own, version in (("ipv4", IPv4Address, 4), ("ipv6", IPv6Address, 6)):
        published = host.ipv4 if version == 4 else host.ipv6
        if published is not None and not any(isinstance(each, own) for each in public):
            yield (
                f"{path}: {published} is published in DNS, but no {kind} address in this list "
                f"can be reached from outside; add one, or senders who choose {kind} find no "
                "server"
            )


def _readers(settings: Settings) -> Iterable[str]:
    """Addresses for notices and reports that no mail reaches."""
    known = addresses(settings)
    named = {"postfix.noticeRecipient": settings.postfix.notice_recipient}
    if settings.certificates is not None:
        named["certificates.contact"] = settings.certificates.contact
    if settings.dns.caa is not None:
        named["dns.caa.iodef"] = settings.dns.caa.iodef
    for path, address in named.items():
        if address is not None and (reason := known.dead_end(address)) is not None:
            yield f"{path}: no mail reaches {address}: {reason}"
    notices = settings.postfix.notice_recipient
    if notices is not None and set(notices) & set("{}"):
        yield f"postfix.noticeRecipient: {notices}: main.cf does not allow {{ and }} here"
    policies = {"dns": settings.dns.records}
    policies |= {f"domains.{name}": domain.records for name, domain in settings.domains.items()}
    for path, texts in policies.items():
        for kind, text, version in (
            ("dmarc", texts.dmarc, dmarc.VERSION),
            ("tlsRpt", texts.tls_rpt, tlsrpt.VERSION),
        ):
            for address in tags.mail_addresses(text or "", version):
                if (reason := known.dead_end(address)) is not None:
                    yield f"{path}.records.{kind}: no mail reaches {address}: {reason}"
