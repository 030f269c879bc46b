"""One MX host: its components, in the order in which they build on each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from components.dns.api import DnsApi
from components.dns.serving import Serving
from components.host import Seen
from components.host.component import Host
from components.services.certificates.component import Certificates
from components.services.database.component import MailDatabase
from components.services.firewall.component import Firewall
from components.services.monitoring.component import Monitoring
from components.services.mta_sts.component import StsHost
from components.services.postfix.component import Postfix
from components.services.postfix.tls import PostfixTls
from components.services.resolver.component import Resolver
from components.services.spam_filter.component import SpamFilter
from components.services.tls_policy import units as tls_policy
from components.services.tls_policy.component import TlsPolicy
from components.services.tls_reports import units as tls_reports
from components.services.tls_reports.component import TlsReports
from components.settings.environment import Settings


class MailExchanger(pulumi.ComponentResource):
    """Creates: Host, Resolver, MailDatabase, SpamFilter, Postfix, and by settings the others.

    Provides: `host`; `postfix`, whose bundle is done once it serves; `certificates` where the
    stack has them; `serving`, what its promises in DNS wait for. Nothing reaches the host before
    `after` is done: the agent waits for it, and all else waits for the agent.
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
    ) -> None:
        super().__init__("mx:host:MailExchanger", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.host = host = Host(name, settings, seen, child, after)
        if settings.firewall is not None:
            Firewall(name, settings, host, owner, child)
        if settings.monitoring is not None:
            Monitoring(name, settings, host, owner, child)
        resolver = Resolver(name, settings, host, owner, child)
        database = MailDatabase(name, settings, host, owner, child)
        needed = [resolver.bundle.command]
        if tls_policy.used(settings):
            needed.append(TlsPolicy(name, settings, host, resolver, owner, child).bundle.command)
        self.spam_filter = SpamFilter(
            name,
            settings,
            host,
            owner,
            child,
            after=[resolver.bundle.command],
            password=rspamd_password,
        )
        needed.append(self.spam_filter.bundle.command)
        self.postfix = Postfix(
            name,
            settings,
            host,
            database,
            owner,
            child,
            after=needed,
            milter=self.spam_filter.milter,
        )
        told: list[pulumi.Resource] = []
        if tls_reports.used(settings, name):
            after_postfix = [self.postfix.bundle.command]
            reports = TlsReports(name, settings, host, owner, child, after=after_postfix)
            told.append(reports.bundle.command)
        tls = policy = None
        self.certificates: Certificates | None = None
        if settings.certificates is not None:
            self.certificates = issued = Certificates(
                name,
                settings,
                settings.certificates,
                host,
                owner,
                api,
                child,
                after=[self.postfix.bundle.command],
            )
            tls = PostfixTls(
                name, settings, host, owner, issued.chain_files, child, after=told
            ).bundle.command
            if settings.mta_sts_domains_of(name):
                policy = StsHost(name, settings, host, owner, issued, child).bundle.command
        self.serving = Serving(
            self.postfix.bundle.command,
            host.target.host_key,
            tls=tls,
            policy=policy,
            keys=self.certificates.slots if self.certificates is not None else {},
            dkim=self.spam_filter.dkim_records,
        )
        self.register_outputs({})


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
    for key in sorted(settings.hosts, key=lambda key: key != canary):
        after = [made[canary]] if canary is not None and key != canary else []
        made[key] = MailExchanger(
            key, settings, owner, seen[key], api, after=after, rspamd_password=rspamd_password
        )
    return {key: made[key] for key in settings.hosts}
