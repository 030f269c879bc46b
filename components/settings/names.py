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
    """A line for each value of a list that stands in it before already."""
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
        # Another line tells of the host that there is not.
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
                f"{path}: {host.hostname} is a mail domain; a name has one SPF record, and the "
                "two need different ones. Give the MX host a name below it"
            )
        if host.hostname in served:
            yield f"{path}: {host.hostname} is the policy host of {served[host.hostname]}"
        yield from _listening(f"hosts.{key}", host)
    for key, mailbox in settings.mailbox_hosts.items():
        other = taken.get(mailbox.hostname) or served.get(mailbox.hostname)
        if other is not None and mailbox.port == _SMTP:
            yield (
                f"mailboxHosts.{key}.hostname: {mailbox.hostname} is {other}: every message would "
                "loop back to the MX host and bounce. Give the host that has the mailboxes, or "
                "another port than 25 for a mailbox server on the MX host itself"
            )
    for name in settings.domains:
        if name in served:
            yield f"domains.{name}: {name} is the policy host of {served[name]}"
    for index, name in enumerate(settings.dns.parked_domains):
        other = taken.get(name) or served.get(name)
        if other is not None:
            yield (
                f"dns.parkedDomains[{index}]: {name} is {other}, whose records are others than "
                "those of a domain without mail"
            )
    caa = settings.dns.caa
    if caa is not None and caa.account_uri is not None and len(settings.hosts) > 1:
        yield (
            "dns.caa.accountUri: every MX host has an account of its own at the authority; one URI "
            "for all of them locks the others out, and their certificates end. Leave it out"
        )
    yield from twice("dns.parkedDomains", settings.dns.parked_domains)
    for name, domain in settings.domains.items():
        yield from twice(f"domains.{name}.mx", domain.mx or [])
        yield from twice(f"domains.{name}.leavingMx", domain.leaving_mx)
    yield from _readers(settings)


def _listening(path: str, host: HostSettings) -> Iterable[str]:
    """Interfaces that no sender reaches, or with which master(8) does not start."""
    listed = host.inet_interfaces
    words = [each for each in listed if isinstance(each, str)]
    path = f"{path}.inetInterfaces"
    if words and len(listed) > 1:
        yield f"{path}: {words[0]} stands alone; beside it Postfix takes nothing else"
        return
    if words:
        if words == ["loopback-only"]:
            yield f"{path}: loopback-only is reached by no sender; an MX host listens to others"
        return
    public = [each for each in map(ip_address, map(str, listed)) if not each.is_loopback]
    for kind, own, version in (("ipv4", IPv4Address, 4), ("ipv6", IPv6Address, 6)):
        published = host.ipv4 if version == 4 else host.ipv6
        if published is not None and not any(isinstance(each, own) for each in public):
            yield (
                f"{path}: no address of {kind} is in it that others reach, but {published} is "
                "published: senders that choose it find nobody"
            )


def _readers(settings: Settings) -> Iterable[str]:
    """Addresses of people that nobody is, and where reports would go."""
    known = addresses(settings)
    named = {"postfix.noticeRecipient": settings.postfix.notice_recipient}
    if settings.certificates is not None:
        named["certificates.contact"] = settings.certificates.contact
    if settings.dns.caa is not None:
        named["dns.caa.iodef"] = settings.dns.caa.iodef
    for path, address in named.items():
        if address is not None and (reason := known.dead_end(address)) is not None:
            yield f"{path}: {address} leads to nobody: {reason}"
    notices = settings.postfix.notice_recipient
    if notices is not None and set(notices) & set("{}"):
        yield f"postfix.noticeRecipient: {notices}: {{ and }} have a meaning in main.cf"
    policies = {"dns": settings.dns.records}
    policies |= {f"domains.{name}": domain.records for name, domain in settings.domains.items()}
    for path, texts in policies.items():
        for kind, text, version in (
            ("dmarc", texts.dmarc, dmarc.VERSION),
            ("tlsRpt", texts.tls_rpt, tlsrpt.VERSION),
        ):
            for address in tags.mail_addresses(text or "", version):
                if (reason := known.dead_end(address)) is not None:
                    yield f"{path}.records.{kind}: {address} leads to nobody: {reason}"
