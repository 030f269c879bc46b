"""The MTA-STS policy host: nginx on each MX host, with a policy for each of its mail domains.

Stands after Certificates. The record `_mta-sts` and new MX records stand after it, on all MX hosts
of a domain (RFC 8461 section 8).
"""

from __future__ import annotations

from components.host.manifest import EXCLUSIVE, Check, File, Manifest, RunProbe, Unit, UnitProbe
from components.services.mta_sts import nginx
from components.services.mta_sts import policy as mta_sts
from components.services.service import Service, Site
from components.settings.environment import Settings

UNIT = "nginx.service"


def manifest(settings: Settings, host: str, owner: str) -> Manifest:
    """nginx, its only public site, the policies; with monitoring nginx's own numbers."""
    domains = settings.mta_sts_domains_of(host)
    files = {
        f"{mta_sts.DIRECTORY}/{domain}.txt": File(mta_sts.policy(settings, domain))
        for domain in domains
    }
    sites = {nginx.SITE: nginx.site(settings, host)}
    if settings.monitoring is not None:
        sites[nginx.STATUS_SITE] = nginx.status()
    return Manifest(
        bundle="sts-host",
        owner=owner,
        packages=["nginx", "curl", "diffutils"],
        # Exclusive: the package's default site would answer on port 80.
        directories={"/etc/nginx/sites-enabled": EXCLUSIVE, mta_sts.DIRECTORY: EXCLUSIVE},
        files=files
        | {path: File(text) for path, text in sites.items()}
        | {f"/etc/systemd/system/{UNIT}.d/mx.conf": File(nginx.DROP_IN, restart=(UNIT,))},
        check=[Check(["nginx", "-t", "-q"])],
        units={UNIT: Unit()},
        probe=[UnitProbe(UNIT), *(_served(domain) for domain in domains)],
    )


def _served(domain: str) -> RunProbe:
    """Ask for the policy as a sender does, and compare what comes with what is to be served."""
    name = f"mta-sts.{domain}"
    # Whether the chain is trusted is the outside's to judge; here it is whether it answers.
    return RunProbe(
        [
            *("sh", "-c", 'curl "$@" | cmp - "$0"', f"{mta_sts.DIRECTORY}/{domain}.txt"),
            *("--silent", "--show-error", "--fail", "--insecure", "--max-time", "10"),
            *("--resolve", f"{name}:443:127.0.0.1"),
            f"https://{name}/.well-known/mta-sts.txt",
        ]
    )


class MtaSts(Service):
    """Creates: the bundle `sts-host`. Provides: `bundle`."""

    TOKEN, SUFFIX = "mx:host:StsHost", "sts-host"
    AFTER = ("certificates",)
    UNITS = (UNIT,)
    MAIL_PATH = ("libnginx", "nginx")
    MANUAL = "MTA-STS policy host"

    @classmethod
    def wanted(cls, settings: Settings, host: str) -> bool:
        """Whether the host has certificates, and a mail domain with a policy."""
        return settings.certificates is not None and bool(settings.mta_sts_domains_of(host))

    @classmethod
    def manifests(cls, site: Site) -> list[Manifest]:
        """The one manifest."""
        return [manifest(site.settings, site.key, site.owner)]
