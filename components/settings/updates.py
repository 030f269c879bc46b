"""Settings of Debian's security updates on the hosts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated

from pydantic import Field, StrictBool, StrictInt, StringConstraints

from components.settings.types import Model

_DAY_MINUTES = 24 * 60


class UpdatesSettings(Model):
    """Security updates. Each preview and an alert report pending ones, whatever is set here."""

    unattended: StrictBool = Field(
        False,
        description="Install security updates automatically (unattended-upgrades), each host in a "
        "time window of its own. Hosts are never rebooted.",
    )
    mail_path: StrictBool = Field(
        False,
        description="Also install updates of Postfix, Rspamd, Redis, MariaDB, Unbound, nginx and "
        "their own libraries. Such an update restarts the service.",
    )
    first_at: Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = Field(
        "02:00",
        description="Time in UTC at which the first host's window begins. The other windows "
        "follow in the order of the hosts' keys.",
    )
    window_minutes: Annotated[StrictInt, Field(ge=30, le=1440)] = Field(
        60, description="Length of each host's window."
    )

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
            f"updates.windowMinutes: {len(hosts)} windows of {updates.window_minutes} minutes "
            "are more than a day, so two hosts would be updated at once; set at most "
            f"{_DAY_MINUTES // len(hosts)} minutes"
        )
