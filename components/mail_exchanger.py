"""One MX host: the services on it, in the order in which they build on each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from components.dns.api import DnsApi
from components.dns.serving import Serving
from components.host import Seen, Target
from components.host.component import Host
from components.host.manifest import Manifest
from components.services.certificates.component import Certificates
from components.services.database.component import MailDatabase
from components.services.firewall.component import Firewall
from components.services.monitoring.component import Monitoring
from components.services.mta_sts.component import MtaSts
from components.services.postfix.component import Postfix
from components.services.postfix_tls.component import PostfixTls
from components.services.resolver.component import Resolver
from components.services.service import Place, Service, Site
from components.services.spam_filter.component import SpamFilter
from components.services.tls_policy.component import TlsPolicy
from components.services.tls_reports.component import TlsReports
from components.services.updates.component import Updates
from components.settings.environment import Settings

# Nothing else decides what a host gets. A service stands after those that it needs.
SERVICES: tuple[type[Service], ...] = (
    Firewall,
    Updates,
    Monitoring,
    Resolver,
    MailDatabase,
    TlsPolicy,
    SpamFilter,
    Postfix,
    TlsReports,
    Certificates,
    PostfixTls,
    MtaSts,
)


class MailExchanger(pulumi.ComponentResource):
    """Creates: Host, and each service of SERVICES that the settings want on it.

    Provides: `host`; `serving`, the resources that the promises in DNS wait for; `taking`, by the
    name of a bundle without which the host refuses mail for a domain, whether the host has its
    manifest. Nothing reaches the host before `after` is done: the agent waits for it, and all else
    waits for the agent.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        owner: str,
        seen: Seen,
        api: DnsApi,
        opts: pulumi.ResourceOptions | None = None,
        after: Sequence[pulumi.Resource] = (),
        rspamd_password: str | None = None,
        before: Target | None = None,
    ) -> None:
        super().__init__("mx:host:MailExchanger", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        packages = manifests_of(settings, name, owner)[0]
        self.host = Host(name, settings, seen, packages, child, after, before)
        place = Place(name, settings, owner, SERVICES, self.host, api, rspamd_password)
        for service in SERVICES:
            if service.wanted(settings, name):
                service(place, child)
        certificates = place.find(Certificates)
        tls, policy = place.find(PostfixTls), place.find(MtaSts)
        self.serving = Serving(
            place.the(Postfix).bundle.command,
            self.host.target.host_key,
            tls=tls.bundle.command if tls is not None else None,
            policy=policy.bundle.command if policy is not None else None,
            agent=self.host.agent,
            rows=place.the(MailDatabase).bundle.command,
            keys=certificates.slots if certificates is not None else {},
            dkim=place.the(SpamFilter).dkim_records,
        )
        bundles = (place.the(MailDatabase).bundle, place.the(Postfix).bundle)
        self.taking = {each.name: each.applied for each in bundles}
        self.register_outputs({})


def manifests_of(settings: Settings, host: str, owner: str) -> list[Manifest]:
    """The manifests of a host in their order, those with nothing but secrets left out.

    Raises SettingsError when a file that the settings name cannot be read.
    """
    site = Site(host, settings, owner, SERVICES)
    wanted = [service for service in SERVICES if service.wanted(settings, host)]
    services = [each for one in wanted for each in one.manifests(site)]
    return [_packages(owner, services), *services]


def _packages(owner: str, services: Sequence[Manifest]) -> Manifest:
    """The packages of all services, fetched and installed by one run of apt.

    Each service's own manifest names its packages too, and finds them there. No service starts with
    its package's configuration: its own bundle enables and starts it.
    """
    return Manifest(
        bundle="packages",
        owner=owner,
        packages=sorted({name for each in services for name in each.packages}),
        debconf=sorted({line for each in services for line in each.debconf}),
        held=sorted({unit for each in services for unit in each.units}),
    )


def mail_exchangers(
    settings: Settings,
    owner: str,
    seen: Mapping[str, Seen],
    api: DnsApi,
    rspamd_password: str | None = None,
) -> dict[str, MailExchanger]:
    """All MX hosts; with `rollout.canary` the others after everything on that one."""
    canary = settings.rollout.canary
    made: dict[str, MailExchanger] = {}
    before: Target | None = None
    for key in sorted(settings.hosts, key=lambda key: key != canary):
        after = [made[canary]] if canary is not None and key != canary else []
        made[key] = MailExchanger(
            key,
            settings,
            owner,
            seen[key],
            api,
            after=after,
            rspamd_password=rspamd_password,
            before=before,
        )
        before = made[key].host.target
    return {key: made[key] for key in settings.hosts}
