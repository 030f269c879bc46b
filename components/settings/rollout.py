"""Settings of how a change is previewed and rolled out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import Field, StrictBool

from components.settings.types import Model, Name


class DriftSettings(Model):
    """Whether a preview asks the hosts what differs from what was last applied."""

    read: StrictBool = Field(
        True,
        description="Ask each host for its drift in every preview, over one SSH connection, or "
        "two while the host has no agent. `mx preview` and `mx up` also read "
        "the DNS records. If this is false, drift is neither shown nor repaired.",
    )


class RolloutSettings(Model):
    """The order in which a change reaches the MX hosts."""

    canary: Name | None = Field(
        None,
        description="Key in `hosts` of the MX host that takes every change first. The others are "
        "changed after the whole change has passed its probes there. Without it all "
        "hosts change at once.",
    )


def contradictions(rollout: RolloutSettings, hosts: Mapping[str, object]) -> Iterable[str]:
    """A canary that is no host; begins with its YAML path."""
    if rollout.canary is not None and rollout.canary not in hosts:
        known = ", ".join(hosts)
        yield f"rollout.canary: there is no hosts.{rollout.canary}; the keys of hosts are {known}"
