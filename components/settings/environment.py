"""One environment, typed and validated: `mx:mail` in `stacks/Pulumi.<stack>.yaml`.

Every error names the file and the YAML path of the value, before anything is contacted.
Keys are camelCase in YAML and snake_case here. The name of a key has its unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from components.settings.certificates import CertificatesSettings
from components.settings.contradictions import contradictions
from components.settings.dns import DnsSettings
from components.settings.domain import DomainSettings
from components.settings.faults import SettingsError, hidden_characters, joined, lines
from components.settings.host import HostSettings, MailboxHostSettings, SshSettings
from components.settings.monitoring import FirewallSettings, MonitoringSettings
from components.settings.postfix import PostfixSettings
from components.settings.resolver import ResolverSettings
from components.settings.rollout import DriftSettings, RolloutSettings
from components.settings.spam_filter import SpamFilterSettings
from components.settings.text import visible
from components.settings.tls_reports import TlsReportsSettings
from components.settings.types import Hostname, Model, Name
from components.settings.updates import UpdatesSettings

__all__ = ["Settings", "SettingsError", "from_mapping"]


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
        None, description="Exporters on the hosts. Without it there are none."
    )
    firewall: FirewallSettings | None = Field(
        None, description="Firewall of the hosts. Without it MX leaves their firewall as it is."
    )
    updates: UpdatesSettings = Field(default_factory=UpdatesSettings)
    resolver: ResolverSettings = Field(default_factory=ResolverSettings)
    certificates: CertificatesSettings | None = Field(
        None,
        description="Certificates from an ACME authority. Without it MX gets no certificates and "
        "sets up no TLS.",
    )
    spam_filter: SpamFilterSettings = Field(default_factory=SpamFilterSettings)
    tls_reports: TlsReportsSettings | None = Field(
        None,
        description="TLS reports to other domains. Without it none are sent. It needs "
        "`certificates`. Hosts with Debian 12 send none: Postfix before 3.10 does not "
        "support them.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = list(contradictions(self))
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def zone_of(self, name: str) -> str:
        """The zone of a domain or host: its own `zone`, else the longest zone that `name` is in.

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
        """Keys of the hosts that accept a domain's mail, by preference, leaving ones too."""
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


def from_mapping(values: Mapping[str, Any], source: str = "mx:mail") -> Settings:
    """Make the settings of a stack from its `mx:mail` mapping.

    `source` names the file in errors. Raises SettingsError with one line a fault.
    """
    faults = list(hidden_characters(values))
    if not faults:
        try:
            return Settings.model_validate(values)
        except ValidationError as error:
            faults = joined(
                line for fault in error.errors() for line in lines(dict(fault), values, Settings)
            )
    raise SettingsError(
        "\n".join(visible(f"{source}: mx:mail.{fault}", but="") for fault in faults)
    )
