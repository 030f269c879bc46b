"""Settings of Debian's security updates on the hosts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated

from pydantic import Field, StrictBool, StrictInt, StringConstraints

from components.settings.types import Model

_DAY_MINUTES = 24 * 60


class UpdatesSettings(Model):
    """Security updates. What waits is told in each preview and by an alert in any case."""

    unattended: StrictBool = Field(
        False,
        description="Install security updates without being asked (unattended-upgrades), each host "
        "in a window of its own. Hosts are never rebooted.",
    )
    mail_path: StrictBool = Field(
        False,
        description="Of Postfix, Rspamd, Redis, MariaDB, Unbound, nginx and what they load too: "
        "their services start anew with an update.",
    )
    first_at: Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = Field(
        "02:00",
        description="UTC. When the window of the first host begins, in the order of their keys; "
        "the next host's follows.",
    )
    window_minutes: Annotated[StrictInt, Field(ge=30, le=1440)] = 60

    def begins(self, host: str, hosts: Collection[str]) -> str:
        """When the window of a host begins, HH:MM in UTC."""
        hour, minute = map(int, self.first_at.split(":"))
        at = hour * 60 + minute + sorted(hosts).index(host) * self.window_minutes
        return f"{at % _DAY_MINUTES // 60:02}:{at % 60:02}"


def contradictions(updates: UpdatesSettings, hosts: Collection[str]) -> Iterable[str]:
    """More windows than a day has room for; begins with the YAML path."""
    needed = len(hosts) * updates.window_minutes
    if updates.unattended and needed > _DAY_MINUTES:
        yield (
            f"updates.windowMinutes: {len(hosts)} windows of {updates.window_minutes} minutes are "
            f"more than a day; at most {_DAY_MINUTES // len(hosts)} minutes, so that no two hosts "
            "are updated at once"
        )
