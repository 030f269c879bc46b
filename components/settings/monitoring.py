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
    """A network that reads what the exporters tell, in clear text and without a password."""
    network = _source(value)
    if wide(network):
        raise ValueError(f"{value!r} is no network of monitoring servers: it is nearly everybody's")
    return network


Source = Annotated[str, AfterValidator(_source)]
Watcher = Annotated[str, AfterValidator(_watcher)]


def contradictions(monitoring: MonitoringSettings) -> Iterable[str]:
    """Networks that are narrow, and are everybody together; each line begins with its path."""
    if (sum_ := too_many(monitoring.networks)) is not None:
        yield f"monitoring.networks: {sum_}: metrics would be open to nearly everybody"


class MonitoringSettings(Model):
    """Exporters on the hosts, and what is asked from outside."""

    networks: list[Watcher] = Field(
        description="Networks of the monitoring servers; the firewall lets only them in.",
        min_length=1,
    )
    node_exporter_port: Port = Field(
        9100, description="TCP port of prometheus-node-exporter on hosts.monitoringAddress."
    )
    block_lists: list[Domain] = Field(
        default_factory=list,
        description="DNS block lists that each host looks its own addresses up in.",
    )
    collect_interval_seconds: Annotated[StrictInt, Field(ge=5, le=300)] = Field(
        60, description="Seconds between two runs of the collector on each host."
    )
    certificate_warning_days: Annotated[StrictInt, Field(ge=1, le=60)] = Field(
        14,
        description="Days before its end at which a certificate raises an alert; with a "
        "short lifetime, once less than a fifth of it is left.",
    )
    queue_age_seconds: Annotated[StrictInt, Field(ge=60)] = Field(
        3600, description="Age in seconds of the oldest queued message that raises an alert."
    )
    silence_seconds: Annotated[StrictInt, Field(ge=600)] = Field(
        21600, description="Seconds without any accepted mail that raise an alert."
    )


class FirewallSettings(Model):
    """The nftables table `inet mx`; tables of others stay as they are."""

    ssh_networks: list[Source] = Field(
        description="Networks that may reach SSH; the one you work from must be in it.",
        min_length=1,
    )
    confirm_seconds: Annotated[StrictInt, Field(ge=30, le=900)] = Field(
        90,
        description="Seconds after which new rules undo themselves unless a new SSH connection "
        "has confirmed them.",
    )
