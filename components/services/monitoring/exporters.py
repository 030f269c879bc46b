"""Configuration of the exporters and of the collector on a host."""

from __future__ import annotations

import json
from collections.abc import Iterable

from components.services.hardening import PACKAGED
from components.services.mta_sts import policy as mta_sts
from components.services.postfix.tables import next_hops
from components.settings.environment import Settings
from components.settings.types import at

TEXTFILES = "/var/lib/mx-collect/textfile"
"""Not below /var/lib/prometheus, which the exporter's user owns: root writes here."""
TEXTFILE = f"{TEXTFILES}/mx.prom"
OURS = "mx-"
"""With this begin the names of all units that are no Debian package's."""
DROP_IN = f"""\
[Service]
{PACKAGED}CapabilityBoundingSet=
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX
"""


def watched(units: Iterable[str]) -> str:
    """The regular expression of names without their kind: these units, and all of ours."""
    names = {unit.rpartition(".")[0] for unit in units if not unit.startswith(OURS)}
    return "|".join([*sorted(names), f"{OURS}.*"])


def node_exporter(settings: Settings, host: str, units: Iterable[str]) -> str:
    """/etc/default/prometheus-node-exporter. Raises ValueError without `monitoring`.

    The exporter gives the state of those of the systemd units `units` that the host has.
    """
    if settings.monitoring is None:
        raise ValueError("the settings have no monitoring")
    arguments = [
        f"--web.listen-address={address(settings, host)}",
        f"--collector.textfile.directory={TEXTFILES}",
        "--collector.systemd",
        f"--collector.systemd.unit-include=({watched(units)})[.](service|timer)",
        "--web.disable-exporter-metrics",
    ]
    return f'# Written by mx.\nARGS="{" ".join(arguments)}"\n'


def address(settings: Settings, host: str) -> str:
    """Where node_exporter listens. Raises ValueError without `monitoring`."""
    if settings.monitoring is None:
        raise ValueError("the settings have no monitoring")
    return at(settings.exporter_address(host), settings.monitoring.node_exporter_port)


def collector(settings: Settings, host: str) -> str:
    """/etc/mx/collect.json. Raises ValueError without `monitoring`."""
    if settings.monitoring is None:
        raise ValueError("the settings have no monitoring")
    wanted = settings.hosts[host]
    document = {
        "textfile": TEXTFILE,
        "hostname": wanted.hostname,
        "addresses": [str(each) for each in (wanted.ipv4, wanted.ipv6) if each is not None],
        "domains": settings.domains_of(host),
        "nextHops": next_hops(settings),
        "policies": {
            domain: mta_sts.policy_id(settings, domain)
            for domain in settings.mta_sts_domains_of(host)
        },
        "dkim": {
            domain: settings.spam_filter.selector(host) for domain in settings.domains_of(host)
        },
        "blockLists": settings.monitoring.block_lists,
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def timer(settings: Settings) -> str:
    """mx-collect.timer. Raises ValueError without `monitoring`.

    OnBootSec= also fires when the timer is started later. Of OnActiveSec= systemd counts anew at
    each daemon-reload, so that the collector would run at every upgrade of a package.
    """
    if settings.monitoring is None:
        raise ValueError("the settings have no monitoring")
    seconds = settings.monitoring.collect_interval_seconds
    return f"""\
[Unit]
Description=Collect metrics of the mail exchanger

[Timer]
OnBootSec=1
OnUnitInactiveSec={seconds}
AccuracySec=1

[Install]
WantedBy=timers.target
"""
