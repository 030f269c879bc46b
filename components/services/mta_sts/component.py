"""The MTA-STS policy host: nginx on each MX host, with a policy for each of its mail domains.

Stands after Certificates. The record `_mta-sts` and new MX records stand after it, on all MX hosts
of a domain (RFC 8461 section 8).
"""

from __future__ import annotations

from typing import Any

import pulumi

from components.host import Bundle, File, Manifest
from components.host.component import Host
from components.services.certificates.component import Certificates
from components.services.mta_sts import nginx
from components.services.mta_sts import policy as mta_sts
from components.settings.environment import Settings

UNIT = "nginx.service"


def manifest(settings: Settings, host: str, owner: str) -> Manifest:
    """nginx, its only public site, the policies; with monitoring nginx's own numbers."""
    owned: dict[str, Any] = {"mode": "0755", "owner": "root", "group": "root", "exclusive": True}
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
        packages=["nginx", "curl"],
        # Exclusive: the package's default site would answer on port 80.
        directories={"/etc/nginx/sites-enabled": owned, mta_sts.DIRECTORY: owned},
        files=files | {path: File(text) for path, text in sites.items()},
        check=[{"run": ["nginx", "-t", "-q"]}],
        units={UNIT: {}},
        probe=[{"unit": UNIT}, *(_served(domain) for domain in domains)],
    )


def _served(domain: str) -> dict[str, Any]:
    name = f"mta-sts.{domain}"
    # Whether the chain is trusted is the outside's to judge; here it is whether it answers.
    return {
        "run": [
            *("curl", "--silent", "--show-error", "--fail", "--insecure", "--max-time", "10"),
            *("--output", "/dev/null", "--resolve", f"{name}:443:127.0.0.1"),
            f"https://{name}/.well-known/mta-sts.txt",
        ]
    }


class StsHost(pulumi.ComponentResource):
    """Creates: the bundle `sts-host`. Provides: `bundle`."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        host: Host,
        owner: str,
        certificates: Certificates,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mx:host:StsHost", f"{name}-sts-host", None, opts)
        self.bundle = Bundle(
            f"{name}-sts-host",
            host.target,
            manifest(settings, name, owner),
            pulumi.ResourceOptions(parent=self),
            depends_on=[certificates.bundle.command],
        )
        self.register_outputs({})
