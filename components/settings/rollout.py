"""Settings of how a change is previewed and rolled out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import Field, StrictBool

from components.settings.types import Model, Name


class DriftSettings(Model):
    """Whether hosts are asked, while a preview runs, what differs from what was applied."""

    read: StrictBool = Field(
        True,
        description="One SSH connection a host, in the first preview two; scripts/preview and "
        "scripts/up read the DNS records too. Without it drift stays unseen, no diff.",
    )


class RolloutSettings(Model):
    """In which order a change reaches the MX hosts."""

    canary: Name | None = Field(
        None,
        description="MX host that takes every change first; the others are touched once all of it "
        "has passed its probes there. Without it all hosts change at once.",
    )


def contradictions(rollout: RolloutSettings, hosts: Mapping[str, object]) -> Iterable[str]:
    """A canary that is no host; begins with its YAML path."""
    if rollout.canary is not None and rollout.canary not in hosts:
        yield f"rollout.canary: there is no hosts.{rollout.canary}"
