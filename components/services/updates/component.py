"""Debian's updates on an MX host: what waits is looked up each hour; installed only when chosen.

The agent installs packages once. Whoever upgrades them, nobody must learn of a known fault from an
attacker: previews and an alert tell what waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from components.host.manifest import Directory, File, Manifest, Step, Unit, UnitProbe
from components.services.service import Service, Site
from components.services.updates import apt
from components.settings.environment import Settings

TIMER = "mx-updates.timer"
PROGRAM = "/usr/local/lib/mx/mx_updates.py"
UPGRADE = "apt-daily-upgrade"
_FILES = Path(__file__).resolve().parent / "files"


def manifest(settings: Settings, host: str, owner: str, mail_path: Iterable[str] = ()) -> Manifest:
    """The look and its timer; with `updates.unattended` upgrades in the host's window.

    `mail_path`: beginnings of names of packages that only `updates.mailPath` lets upgrade.
    """
    system = "/etc/systemd/system"
    files = {
        apt.CONFIG: File(apt.config(settings, mail_path)),
        PROGRAM: File((_FILES / PROGRAM.lstrip("/")).read_text()),
        f"{system}/mx-updates.service": File(apt.service(settings)),
        f"{system}/{TIMER}": File(apt.TIMER, restart=(TIMER,)),
    }
    units = {"apt-daily.timer": Unit(), TIMER: Unit()}
    if settings.updates.unattended:
        timer = f"{UPGRADE}.timer"
        files[f"{system}/{timer}.d/mx.conf"] = File(
            apt.timer_drop_in(settings, host), restart=(timer,)
        )
        files[f"{system}/{UPGRADE}.service.d/mx.conf"] = File(apt.service_drop_in(settings))
        units[timer] = Unit()
    return Manifest(
        bundle="updates",
        owner=owner,
        packages=["unattended-upgrades"] if settings.updates.unattended else [],
        directories={"/usr/local/lib/mx": Directory()},
        files=files,
        units=units,
        # A look that fails is no reason to take the host's change back.
        run=[Step(["systemctl", "start", "--no-block", "mx-updates.service"])],
        undo=[
            Step(["systemctl", "stop", TIMER, "mx-updates.service"]),
            Step(["rm", "-rf", "/var/lib/mx-updates"]),
        ],
        probe=[UnitProbe(TIMER)],
    )


class Updates(Service):
    """Creates: the bundle `updates`. Provides: `bundle`."""

    TOKEN, SUFFIX = "mx:host:Updates", "updates"
    UNITS = (TIMER,)
    MANUAL = "Updates"
    SETTINGS = "updates"

    @classmethod
    def manifests(cls, site: Site) -> list[Manifest]:
        """The one manifest."""
        return [manifest(site.settings, site.key, site.owner, site.mail_path)]
