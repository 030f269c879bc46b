"""Settings of monitoring and of the host firewall; both are off until their group is given."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field, StrictInt

from components.settings.types import Domain, Model, Port, too_many, wide


def _source(value: str) -> str:
    try:
        return str(ip_network(value))
    except ValueError as error:
        raise ValueError(f"{value!r} is not a network in CIDR notation: {error}") from None


def _watcher(value: str) -> str:
    """A network that may read the metrics, which have neither encryption nor a password."""
    network = _source(value)
    if wide(network):
        raise ValueError(
            f"{value!r} is too wide: the metrics of the hosts would be open to nearly everybody; "
            "give the networks of the monitoring servers"
        )
    return network


Source = Annotated[str, AfterValidator(_source)]
Watcher = Annotated[str, AfterValidator(_watcher)]


def contradictions(monitoring: MonitoringSettings) -> Iterable[str]:
    """Networks that are too wide together; each line begins with its YAML path."""
    if (sum_ := too_many(monitoring.networks)) is not None:
        yield f"monitoring.networks: {sum_}: the metrics would be open to nearly everybody"


class MonitoringSettings(Model):
    """Exporters on the hosts, and the thresholds of the alerts."""

    networks: list[Watcher] = Field(
        description="Networks of the monitoring servers. The firewall lets only them reach the "
        "exporters.",
        min_length=1,
    )
    node_exporter_port: Port = Field(
        9100, description="TCP port of prometheus-node-exporter on the host's `monitoringAddress`."
    )
    block_lists: list[Domain] = Field(
        default_factory=list,
        description="DNS block lists in which each host looks up its own addresses.",
    )
    collect_interval_seconds: Annotated[StrictInt, Field(ge=5, le=300)] = Field(
        60, description="Seconds between two runs of the collector on each host."
    )
    certificate_warning_days: Annotated[StrictInt, Field(ge=1, le=60)] = Field(
        14,
        description="An alert is raised when a certificate has fewer days left and also less than "
        "a fifth of its lifetime.",
    )
    queue_age_seconds: Annotated[StrictInt, Field(ge=60)] = Field(
        3600, description="An alert is raised when the oldest queued message is older."
    )
    silence_seconds: Annotated[StrictInt, Field(ge=600)] = Field(
        21600, description="An alert is raised when no MX host has accepted mail for this long."
    )


class FirewallSettings(Model):
    """The nftables table `inet mx`. All other tables stay as they are."""

    ssh_networks: list[Source] = Field(
        description="Networks that may reach SSH. The network that you work from must be in it.",
        min_length=1,
    )
    confirm_seconds: Annotated[StrictInt, Field(ge=30, le=900)] = Field(
        90,
        description="New rules are undone after this time unless a new SSH connection has "
        "confirmed them.",
    )
