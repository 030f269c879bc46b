"""One environment, typed and validated: `mx:mail` in `stacks/Pulumi.<stack>.yaml`.

Every error names the file and the YAML path of the value, before anything is contacted.
Keys are camelCase in YAML and snake_case here; units stand in the name of a key.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    Field,
    StrictInt,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from components.settings import aliases as settings_aliases
from components.settings import certificates as settings_certificates
from components.settings import dns as settings_dns
from components.settings import names as settings_names
from components.settings import postfix as settings_postfix
from components.settings import resolver as settings_resolver
from components.settings import rollout as settings_change
from components.settings import spam_filter as settings_spam_filter
from components.settings import tls_reports as settings_reports
from components.settings.certificates import CertificatesSettings
from components.settings.dns import DnsSettings, DomainRecordsSettings
from components.settings.monitoring import FirewallSettings, MonitoringSettings
from components.settings.mta_sts import MtaStsSettings
from components.settings.postfix import PostfixSettings
from components.settings.resolver import ResolverSettings
from components.settings.rollout import DriftSettings, RolloutSettings
from components.settings.spam_filter import SpamFilterSettings
from components.settings.text import invisible
from components.settings.tls_reports import TlsReportsSettings
from components.settings.types import (
    Address,
    Domain,
    HostKey,
    Hostname,
    LocalPart,
    Model,
    Name,
    Port,
    PublicIPv6,
    Reachable,
    too_many,
)


class SettingsError(Exception):
    """The stack file cannot be used; the text is one line a fault, each with its YAML path."""


class SshSettings(Model):
    """How the hosts are reached. Without `privateKeyFile` the running ssh-agent is asked."""

    user: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")] = Field(
        "root", description="Login; one that is not root must be allowed `sudo -n`."
    )
    port: Port = 22
    private_key_file: str | None = Field(
        None, description="Path of an OpenSSH private key; it enters the state as a secret."
    )
    known_hosts_file: str | None = Field(
        None, description="known_hosts file with the keys of hosts that give no hostKey."
    )


class HostSettings(Model):
    """One MX host."""

    hostname: Hostname = Field(description="Name in the MX records, in the banner and in EHLO.")
    ipv4: IPv4Address
    ipv6: PublicIPv6 | None = None
    host_key: HostKey | None = Field(
        None, description="SSH host key, `ssh-ed25519 AAAA...`; or see ssh.knownHostsFile."
    )
    preference: Annotated[StrictInt, Field(ge=0, le=65535)] = Field(
        10, description="Preference of the MX records, RFC 5321 section 5.1."
    )
    inet_interfaces: list[IPv4Address | PublicIPv6 | Literal["all", "loopback-only"]] = Field(
        ["all"],
        description="Addresses that Postfix listens on and sends from (postconf(5)).",
        min_length=1,
    )
    debian: Literal[12, 13] = Field(13, description="Release of Debian on the host.")
    ssh_address: Reachable | None = Field(
        None, description="Address for SSH where it is not the public IPv4 address."
    )
    monitoring_address: IPv4Address | PublicIPv6 | None = Field(
        None,
        description="Address that exporters listen on; default: ipv4, which needs `firewall`.",
    )
    give_up_queue: bool = Field(
        False,
        description="Give up mail that is still queued when Postfix is taken from this host.",
    )
    leaving: bool = Field(
        False,
        description="Leaves all its domains, as by their leavingMx; the step before it is removed.",
    )


class MailboxHostSettings(Model):
    """One mailbox host, to which the MX hosts relay."""

    hostname: Hostname
    port: Port = 25
    protocol: Literal["smtp", "lmtp"] = "smtp"


class DomainSettings(Model):
    """One mail domain."""

    zone: Domain | None = Field(
        None, description="Cloudflare zone that holds the records; default: the longest match."
    )
    mx: list[Name] | None = Field(None, description="MX hosts of the domain; default: all.")
    leaving_mx: list[Name] = Field(
        default_factory=list,
        description="MX hosts that DNS names no more and that still take mail and serve the policy "
        "until its caches have forgotten them.",
    )
    mailbox_host: Name
    recipients: list[LocalPart] = Field(
        default_factory=list, description="Local parts that are accepted."
    )
    recipients_file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")] | (
        None
    ) = Field(
        None,
        description="More of them: a file, its path from the folder of the stack file, with one "
        "local part a line; # begins a comment.",
    )
    mta_sts: MtaStsSettings | None = Field(
        None, description="MTA-STS policy; none without it. Needs `certificates`."
    )
    aliases: dict[LocalPart, list[Address]] = Field(
        default_factory=dict, description="Local part to addresses that get its mail."
    )
    records: DomainRecordsSettings = Field(default_factory=DomainRecordsSettings)


class Settings(Model):
    """One environment: its MX hosts, mail domains, mailbox hosts and DNS zones."""

    ssh: SshSettings = Field(default_factory=SshSettings)
    hosts: dict[Name, HostSettings] = Field(min_length=1)
    mailbox_hosts: dict[Name, MailboxHostSettings] = Field(min_length=1)
    dns: DnsSettings
    domains: dict[Hostname, DomainSettings] = Field(min_length=1)
    postfix: PostfixSettings = Field(default_factory=PostfixSettings)
    drift: DriftSettings = Field(default_factory=DriftSettings)
    rollout: RolloutSettings = Field(default_factory=RolloutSettings)
    monitoring: MonitoringSettings | None = Field(
        None, description="Exporters on the hosts; none without it."
    )
    firewall: FirewallSettings | None = Field(
        None, description="Firewall of the hosts; theirs is left as it is without it."
    )
    resolver: ResolverSettings = Field(default_factory=ResolverSettings)
    certificates: CertificatesSettings | None = Field(
        None, description="Without it no certificate is asked for and no TLS is set up."
    )
    spam_filter: SpamFilterSettings = Field(default_factory=SpamFilterSettings)
    tls_reports: TlsReportsSettings | None = Field(
        None,
        description="Without it no TLS reports are sent. Hosts with Debian 12, whose Postfix tells "
        "nothing, send none; needs `certificates`.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = list(_contradictions(self))
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def zone_of(self, name: str) -> str:
        """The zone of a domain or host: the one given, else the longest that `name` is in.

        Raises KeyError when there is none, which validated settings rule out.
        """
        domain = self.domains.get(name)
        if domain is not None and domain.zone is not None:
            return domain.zone
        fits = [zone for zone in self.dns.zones if name == zone or name.endswith("." + zone)]
        if not fits:
            raise KeyError(name)
        return max(fits, key=len)

    def exchangers(self, domain: str) -> list[str]:
        """Keys of the hosts in a domain's MX records, in the order of their preference."""
        return [key for key in self.keepers(domain) if not self._leaves(domain, key)]

    def keepers(self, domain: str) -> list[str]:
        """Keys of the hosts that take a domain's mail: those that leave, too; by preference."""
        keys, leaving = self.domains[domain].mx, self.domains[domain].leaving_mx
        chosen = self.hosts if keys is None else [*keys, *leaving]
        return sorted(chosen, key=lambda key: (self.hosts[key].preference, key))

    def _leaves(self, domain: str, host: str) -> bool:
        return self.hosts[host].leaving or host in self.domains[domain].leaving_mx

    def exporter_address(self, host: str) -> str:
        """The address that the exporters of an MX host listen on."""
        return str(self.hosts[host].monitoring_address or self.hosts[host].ipv4)

    def domains_of(self, host: str) -> list[str]:
        """The mail domains that an MX host accepts mail for, sorted."""
        return sorted(name for name in self.domains if host in self.keepers(name))

    def mta_sts_domains_of(self, host: str) -> list[str]:
        """The mail domains of an MX host that have an MTA-STS policy, sorted."""
        return [name for name in self.domains_of(host) if self.domains[name].mta_sts is not None]

    def notice_recipient(self, host: str) -> str | None:
        """The address that gets the notices of an MX host."""
        if self.postfix.notice_recipient is not None:
            return self.postfix.notice_recipient
        for name in self.domains_of(host):
            if "postmaster" in {*self.domains[name].recipients, *self.domains[name].aliases}:
                return f"postmaster@{name}"
        return None


def _contradictions(settings: Settings) -> Iterable[str]:
    """Faults that show only when keys are seen together; each begins with its YAML path."""
    seen: dict[str, str] = {}
    for key, host in settings.hosts.items():
        for field in ("hostname", "ipv4", "ipv6", "ssh_address"):
            value = getattr(host, field)
            if value is None:
                continue
            text, path = str(value), f"hosts.{key}.{to_camel(field)}"
            if text in seen and not seen[text].startswith(f"hosts.{key}."):
                yield f"{path}: {text} is already {seen[text]}"
            seen.setdefault(text, path)
        if host.host_key is None and settings.ssh.known_hosts_file is None:
            yield f"hosts.{key}.hostKey: give it, or ssh.knownHostsFile; no host is trusted unseen"
        if settings.monitoring is not None and settings.firewall is None:
            public = {str(host.ipv4), str(host.ipv6)}
            if settings.exporter_address(key) in public:
                yield (
                    f"hosts.{key}.monitoringAddress: exporters would be open to the Internet; "
                    "give an address of a private network, or `firewall`"
                )
        if not _in_a_zone(settings, host.hostname):
            yield f"hosts.{key}.hostname: {host.hostname} is in none of dns.zones"
    for name, domain in settings.domains.items():
        path = f"domains.{name}"
        if domain.mx == [] and not domain.leaving_mx:
            yield f"{path}.mx: a mail domain needs at least one MX host"
        unknown = False
        for field, keys in (("mx", domain.mx or []), ("leavingMx", domain.leaving_mx)):
            for index, host_key in enumerate(keys):
                if host_key not in settings.hosts:
                    unknown, hint = True, _hint(host_key, settings.hosts)
                    yield f"{path}.{field}[{index}]: there is no hosts.{host_key}{hint}"
        for index, host_key in enumerate(domain.leaving_mx):
            if host_key in (domain.mx or []):
                yield f"{path}.leavingMx[{index}]: {host_key} is also in mx"
        if not unknown and settings.keepers(name) and not settings.exchangers(name):
            yield from _all_leave(settings, name)
        if domain.mailbox_host not in settings.mailbox_hosts:
            yield (
                f"{path}.mailboxHost: there is no mailboxHosts.{domain.mailbox_host}"
                f"{_hint(domain.mailbox_host, settings.mailbox_hosts)}"
            )
        if domain.zone is None and not _in_a_zone(settings, name):
            yield f"{path}: {name} is in none of dns.zones"
        elif domain.zone is not None and domain.zone not in settings.dns.zones:
            hint = _hint(domain.zone, settings.dns.zones)
            yield f"{path}.zone: there is no dns.zones.{domain.zone}{hint}"
        if not {"recipients", "recipients_file"} & domain.model_fields_set:
            yield f"{path}.recipients: missing; or give recipientsFile"
        if domain.mta_sts is not None and settings.certificates is None:
            yield f"{path}.mtaSts: a policy host needs `certificates`"
        for index, local in enumerate(domain.recipients):
            if local in domain.recipients[:index]:
                yield f"{path}.recipients[{index}]: {local} is listed twice"
            used = set(settings.postfix.recipient_delimiter) & set(local)
            if used:
                yield f"{path}.recipients[{index}]: {local} has the recipient delimiter in it"
        for local in domain.aliases:
            if local in domain.recipients:
                yield f"{path}.aliases.{local}: it is already one of recipients"
            if not domain.aliases[local]:
                yield f"{path}.aliases.{local}: it names no address"
    yield from settings_names.contradictions(settings)
    yield from settings_aliases.contradictions(settings_names.addresses(settings))
    yield from settings_dns.contradictions(
        settings.dns, {name: domain.records for name, domain in settings.domains.items()}
    )
    yield from settings_resolver.contradictions(settings.resolver)
    yield from settings_change.contradictions(settings.rollout, settings.hosts)
    if settings.certificates is not None:
        debian = {key: host.debian for key, host in settings.hosts.items()}
        yield from settings_certificates.contradictions(settings.certificates, debian)
    releases = {host.debian for host in settings.hosts.values()}
    mailboxes = {host.hostname: host.port for host in settings.mailbox_hosts.values()}
    yield from settings_postfix.contradictions(settings.postfix, releases, mailboxes)
    trusted = [*settings.postfix.mynetworks, *settings.spam_filter.local_networks]
    if not too_many(settings.postfix.mynetworks) and (sum_ := too_many(trusted)) is not None:
        yield f"spamFilter.localNetworks: with postfix.mynetworks {sum_}: strangers are trusted"
    yield from _report_contradictions(settings)
    yield from settings_spam_filter.contradictions(settings.spam_filter, len(settings.hosts))
    for name, domain in settings.domains.items():
        for key in settings.hosts:
            selector = settings.spam_filter.selector(key)
            if selector in domain.records.dkim:
                yield (
                    f"domains.{name}.records.dkim.{selector}: hosts.{key} signs with a key of its "
                    "own under this selector (spamFilter.dkimSelector)"
                )


def _all_leave(settings: Settings, name: str) -> Iterable[str]:
    """The domain itself goes to MX hosts of others: what must not come of hosts that leave."""
    domain, path = settings.domains[name], f"domains.{name}"
    if set(settings.keepers(name)) - {*domain.leaving_mx}:
        yield (
            f"{path}: all its MX hosts leave; list them in its leavingMx if the mail domain goes "
            "to MX hosts of others"
        )
    sts = domain.mta_sts
    if sts is not None and sts.mode != "none" and not sts.also_mx:
        yield (
            f"{path}.mtaSts.alsoMx: all its MX hosts leave; list those that mail goes to now, "
            "or senders that keep the policy find none"
        )


def _report_contradictions(settings: Settings) -> Iterable[str]:
    if settings.tls_reports is None:
        return
    if settings.certificates is None:
        yield "tlsReports: TLS towards receivers is set up with `certificates` only"
    if settings.postfix.tls.report_socket is not None:
        yield "postfix.tls.reportSocket: tlsReports brings a collector of its own; give one of both"
    domain = settings.domains.get(settings.tls_reports.contact.rpartition("@")[2])
    known = domain is not None and domain.recipients_file is None
    yield from settings_reports.contradictions(
        settings.tls_reports,
        {key: host.debian for key, host in settings.hosts.items()},
        # Not sorted: of a host that there is not, another line tells.
        {
            name: [*settings.hosts] if each.mx is None else [*each.mx, *each.leaving_mx]
            for name, each in settings.domains.items()
        },
        {*domain.recipients, *domain.aliases} if domain is not None and known else None,
    )


def _in_a_zone(settings: Settings, name: str) -> bool:
    return any(name == zone or name.endswith("." + zone) for zone in settings.dns.zones)


def _hint(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def from_mapping(values: Mapping[str, Any], source: str = "mx:mail") -> Settings:
    """Make the settings of a stack from its `mx:mail` mapping.

    `source` names the file in errors. Raises SettingsError with one line a fault.
    """
    hidden = [f"{source}: mx:mail.{line}" for line in _invisible(values, "")]
    if hidden:
        raise SettingsError("\n".join(hidden))
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        lines = [line for fault in error.errors() for line in _lines(dict(fault), values)]
        raise SettingsError("\n".join(f"{source}: mx:mail.{line}" for line in lines)) from None


# U+200C and U+200D belong to names in some scripts (RFC 5892 appendix A); the types refuse them.
_ALSO = "\n\t\u200c\u200d"


def _invisible(value: object, path: str) -> Iterable[str]:
    """Keys and values with characters that nobody sees: in a report they could draw anything."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            name = ascii(str(key))[1:-1]
            yield from _invisible(str(key), f"{path}.{name}" if path else name)
            yield from _invisible(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _invisible(each, f"{path}[{index}]")
    elif isinstance(value, str) and (hidden := invisible(value, but=_ALSO)):
        yield f"{path}: has the character {hidden}, which nobody can see; take it out"


def _lines(fault: dict[str, Any], values: Mapping[str, Any]) -> list[str]:
    location = _location(fault, values)
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)[1:]
    kind, text = fault["type"], str(fault["msg"]).removeprefix("Value error, ")
    if kind == "value_error" and not location:
        return text.split("\n")
    if kind == "extra_forbidden":
        text = "unknown key" + _hint(str(location[-1]), _keys(location[:-1]))
    elif kind == "missing":
        text = "missing"
    elif kind.startswith(("string_pattern", "literal_error")) or "type" in kind:
        text = f"{text}; it is {fault['input']!r}"
    return [f"{path}: {text}" if path else text]


def _location(fault: dict[str, Any], values: Any) -> list[Any]:
    """Where a fault is in the document; the names of choices that pydantic tried are left out."""
    found = []
    for part in fault["loc"]:
        if part in values if isinstance(values, Mapping) else isinstance(part, int):
            values = values[part]
        elif fault["type"] != "missing" or part != fault["loc"][-1]:
            continue
        found.append(part)
    return found


def _keys(location: list[Any]) -> list[str]:
    """The YAML keys that are known at a place of the document."""
    model: Any = Settings
    for part in location:
        if get_origin(model) is dict:
            model = get_args(model)[1]
            continue
        fields = getattr(model, "model_fields", {})
        model = next((f.annotation for f in fields.values() if f.alias == part), None)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [field.alias or name for name, field in model.model_fields.items()]
    return []
