"""Faults of a stack file that show only when keys are seen together; each names its YAML path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic.alias_generators import to_camel

from components.settings import aliases, certificates, names
from components.settings import dns as settings_dns
from components.settings import monitoring as settings_monitoring
from components.settings import postfix as settings_postfix
from components.settings import resolver as settings_resolver
from components.settings import rollout as settings_rollout
from components.settings import spam_filter as settings_spam_filter
from components.settings import tls_reports as settings_tls_reports
from components.settings import updates as settings_updates
from components.settings.faults import did_you_mean
from components.settings.types import too_many

if TYPE_CHECKING:
    from components.settings.domain import DomainSettings
    from components.settings.environment import Settings


def contradictions(settings: Settings) -> Iterable[str]:
    """Yield one line a fault, which begins with the YAML path below `mx:mail`."""
    yield from _hosts(settings)
    for name, domain in settings.domains.items():
        yield from _mx(settings, name, domain)
        yield from _places(settings, name, domain)
        yield from _recipients(settings, f"domains.{name}", domain)
    yield from names.contradictions(settings)
    yield from aliases.contradictions(names.addresses(settings))
    yield from _sections(settings)
    yield from _trusted(settings)
    yield from _lmtp(settings)
    yield from _tls_reports(settings)
    yield from _selectors(settings)


def _hosts(settings: Settings) -> Iterable[str]:
    seen: dict[str, str] = {}
    for key, host in settings.hosts.items():
        for field in ("hostname", "ipv4", "ipv6", "ssh_address"):
            value = getattr(host, field)
            if value is None:
                continue
            text, path = str(value), f"hosts.{key}.{to_camel(field)}"
            if text in seen and not seen[text].startswith(f"hosts.{key}."):
                yield f"{path}: {text} is also {seen[text]}; each host has its own"
            seen.setdefault(text, path)
        if host.host_key is None and settings.ssh.known_hosts_file is None:
            yield (
                f"hosts.{key}.hostKey: missing; give the host's SSH key here or a file in "
                "ssh.knownHostsFile, because no host is trusted without its key"
            )
        if settings.monitoring is not None and settings.firewall is None:
            public = {str(host.ipv4), str(host.ipv6)}
            if settings.exporter_address(key) in public:
                yield (
                    f"hosts.{key}.monitoringAddress: the exporters would be open to the "
                    "Internet; give an address in a private network here, or configure "
                    "`firewall`"
                )
        if not _in_a_zone(settings, host.hostname):
            yield f"hosts.{key}.hostname: {host.hostname} is in none of dns.zones; add its zone"


def _mx(settings: Settings, name: str, domain: DomainSettings) -> Iterable[str]:
    """Faults of a domain's MX hosts; leaving hosts are included."""
    path = f"domains.{name}"
    if domain.mx == [] and not domain.leaving_mx:
        yield f"{path}.mx: a mail domain needs at least one MX host"
    unknown = False
    for field, keys in (("mx", domain.mx or []), ("leavingMx", domain.leaving_mx)):
        for index, key in enumerate(keys):
            if key not in settings.hosts:
                unknown, hint = True, did_you_mean(key, settings.hosts)
                yield f"{path}.{field}[{index}]: there is no hosts.{key}{hint}"
    for index, key in enumerate(domain.leaving_mx):
        if key in (domain.mx or []):
            yield f"{path}.leavingMx[{index}]: {key} is also in mx"
    if not unknown and settings.keepers(name) and not settings.exchangers(name):
        yield from _all_leave(settings, name)


def _all_leave(settings: Settings, name: str) -> Iterable[str]:
    """Faults of a domain that moves to MX hosts of others while its own hosts leave."""
    domain, path = settings.domains[name], f"domains.{name}"
    if set(settings.keepers(name)) - {*domain.leaving_mx}:
        yield (
            f"{path}: all its MX hosts leave; if the mail domain moves to MX hosts of others, "
            "list its hosts in its leavingMx"
        )
    sts = domain.mta_sts
    if sts is not None and sts.mode != "none" and not sts.also_mx:
        yield (
            f"{path}.mtaSts.alsoMx: all its MX hosts leave; list the MX hosts that mail goes "
            "to now, because senders with a cached policy would find no valid host"
        )


def _places(settings: Settings, name: str, domain: DomainSettings) -> Iterable[str]:
    """Faults in a domain's mailbox host, zone and MTA-STS policy."""
    path = f"domains.{name}"
    if domain.mailbox_host not in settings.mailbox_hosts:
        hint = did_you_mean(domain.mailbox_host, settings.mailbox_hosts)
        yield f"{path}.mailboxHost: there is no mailboxHosts.{domain.mailbox_host}{hint}"
    if domain.zone is None and not _in_a_zone(settings, name):
        yield f"{path}: {name} is in none of dns.zones; add its zone"
    elif domain.zone is not None and domain.zone not in settings.dns.zones:
        hint = did_you_mean(domain.zone, settings.dns.zones)
        yield f"{path}.zone: there is no dns.zones.{domain.zone}{hint}"
    if domain.mta_sts is not None and settings.certificates is None:
        yield f"{path}.mtaSts: the policy is served over HTTPS, which needs `certificates`"


def _recipients(settings: Settings, path: str, domain: DomainSettings) -> Iterable[str]:
    if not {"recipients", "recipients_file"} & domain.model_fields_set:
        yield (
            f"{path}.recipients: missing; list the local parts that accept mail here, or give "
            "recipientsFile"
        )
    for index, local in enumerate(domain.recipients):
        if local in domain.recipients[:index]:
            yield f"{path}.recipients[{index}]: {local} is listed twice"
        if set(settings.postfix.recipient_delimiter) & set(local):
            yield (
                f"{path}.recipients[{index}]: {local} contains the recipient delimiter "
                "(postfix.recipientDelimiter)"
            )
    for local, targets in domain.aliases.items():
        if local in domain.recipients:
            yield (
                f"{path}.aliases.{local}: {local} is also in recipients; take it off one of the two"
            )
        if not targets:
            yield (
                f"{path}.aliases.{local}: the alias has no address; give one, or take the alias out"
            )


def _sections(settings: Settings) -> Iterable[str]:
    """Faults of one section, which need a few values of hosts and domains too."""
    domain_records = {name: domain.records for name, domain in settings.domains.items()}
    yield from settings_dns.contradictions(settings.dns, domain_records)
    yield from settings_resolver.contradictions(settings.resolver)
    yield from settings_rollout.contradictions(settings.rollout, settings.hosts)
    yield from settings_updates.contradictions(settings.updates, settings.hosts)
    debian = {key: host.debian for key, host in settings.hosts.items()}
    if settings.certificates is not None:
        yield from certificates.contradictions(settings.certificates, debian)
    if settings.monitoring is not None:
        yield from settings_monitoring.contradictions(settings.monitoring)
    mailboxes = {host.hostname: host.port for host in settings.mailbox_hosts.values()}
    yield from settings_postfix.contradictions(settings.postfix, {*debian.values()}, mailboxes)
    yield from settings_spam_filter.contradictions(settings.spam_filter, len(settings.hosts))


def _lmtp(settings: Settings) -> Iterable[str]:
    """Policies that lmtp(8) would not ask for: its parameters of TLS come with the certificates."""
    if settings.certificates is not None:
        return
    for key, host in settings.mailbox_hosts.items():
        hop = f"[{host.hostname}]:{host.port}"
        if host.protocol == "lmtp" and settings.postfix.tls_policies.get(hop, "none") != "none":
            yield (
                f"postfix.tlsPolicies.{hop}: mail for mailboxHosts.{key} would go in clear text, "
                "because `protocol: lmtp` has TLS only with `certificates`; set `certificates`, or "
                "take the policy out"
            )


def _trusted(settings: Settings) -> Iterable[str]:
    trusted = [*settings.postfix.mynetworks, *settings.spam_filter.local_networks]
    if not too_many(settings.postfix.mynetworks) and (sum_ := too_many(trusted)) is not None:
        yield (
            f"spamFilter.localNetworks: with postfix.mynetworks: {sum_}: strangers would be trusted"
        )


def _tls_reports(settings: Settings) -> Iterable[str]:
    if settings.tls_reports is None:
        return
    if settings.certificates is None:
        yield "tlsReports: it needs `certificates`, because only they turn TLS towards receivers on"
    if settings.postfix.tls.report_socket is not None:
        yield "postfix.tls.reportSocket: tlsReports has its own collector; give only one of the two"
    domain = settings.domains.get(settings.tls_reports.contact.rpartition("@")[2])
    known = domain is not None and domain.recipients_file is None
    yield from settings_tls_reports.contradictions(
        settings.tls_reports,
        {key: host.debian for key, host in settings.hosts.items()},
        # These lists are not sorted by preference: they may name hosts that do not exist, which
        # another line of these faults reports.
        {
            name: [*settings.hosts] if each.mx is None else [*each.mx, *each.leaving_mx]
            for name, each in settings.domains.items()
        },
        {*domain.recipients, *domain.aliases} if domain is not None and known else None,
    )


def _selectors(settings: Settings) -> Iterable[str]:
    for name, domain in settings.domains.items():
        for key in settings.hosts:
            selector = settings.spam_filter.selector(key)
            if selector in domain.records.dkim:
                yield (
                    f"domains.{name}.records.dkim.{selector}: hosts.{key} already signs with "
                    "its own key under this selector (spamFilter.dkimSelector); choose "
                    "another selector"
                )


def _in_a_zone(settings: Settings, name: str) -> bool:
    return any(name == zone or name.endswith("." + zone) for zone in settings.dns.zones)
