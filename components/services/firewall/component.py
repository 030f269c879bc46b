"""The firewall of an MX host: an nftables table of its own, on trial until it is confirmed.

Stands after Host and before what needs an open port. Rules that cut the operator's connection undo
themselves: they are confirmed over a new SSH connection, or go after `confirmSeconds`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from components.host import confirm
from components.host.manifest import Check, Comparison, Directory, File, Manifest, Step, Unit
from components.services.firewall import nftables
from components.services.service import Service, Site
from components.settings.environment import Settings

PROGRAM = "/usr/local/sbin/mx-firewall"
RULES = "/etc/mx/firewall.nft"
UNIT = "mx-firewall.service"
_FILES = Path(__file__).resolve().parent / "files"
_UNIT_FILE = f"/etc/systemd/system/{UNIT}"
# A timer of systemd-run(1) starts it when rules on trial were not confirmed in time.
_UNDO_FILE = "/etc/systemd/system/mx-firewall-undo.service"
_UNDO = f"""\
[Unit]
Description=Restore the last confirmed rules of the firewall

[Service]
Type=oneshot
ExecStart={PROGRAM} undo
"""


def public_ports(settings: Settings) -> set[int]:
    """TCP ports that everybody may reach on every MX host."""
    ports = {25}
    if any(domain.mta_sts is not None for domain in settings.domains.values()):
        ports.add(443)
    return ports


def unit(seconds: int) -> str:
    """The unit; a reload puts the rules on trial for so many seconds."""
    text = (_FILES / _UNIT_FILE.lstrip("/")).read_text()
    return text.replace("load SECONDS", f"load {seconds}")


def undo_unit() -> str:
    """The unit that ends a trial, in the sandbox of the firewall's own unit."""
    text = (_FILES / _UNIT_FILE.lstrip("/")).read_text()
    return _UNDO + text.partition("mx-firewall stop\n")[2].partition("\n[Install]")[0]


def manifest(settings: Settings, host: str, owner: str) -> Manifest:
    """The table, the unit that loads it at boot, and the program that puts it on trial.

    Raises ValueError without `firewall` in the settings.
    """
    rules = nftables.table(settings, host, public_ports(settings))
    seconds = settings.firewall.confirm_seconds if settings.firewall else 0
    return Manifest(
        bundle="firewall",
        owner=owner,
        # netbase brings /etc/protocols, without which nft(8) on Debian 12 knows no protocol name.
        packages=["netbase", "nftables"],
        directories={"/etc/mx": Directory()},
        files={
            RULES: File(rules),
            PROGRAM: File((_FILES / PROGRAM.lstrip("/")).read_text(), "0755"),
            _UNIT_FILE: File(unit(seconds)),
            _UNDO_FILE: File(undo_unit()),
        },
        check=[Check(["nft", "--check", "--file", RULES], fail_on_stderr=True)],
        units={UNIT: Unit()},
        run=[Step([PROGRAM, "load", str(seconds)])],
        compare=[Comparison("rules in the kernel", [PROGRAM, "compare"])],
    )


class Firewall(Service):
    """Creates: the bundle `firewall` and its confirmation. Provides: `bundle`, `confirmed`."""

    TOKEN, SUFFIX = "mx:host:Firewall", "firewall"
    UNITS = (UNIT,)
    # It ends after each run; MxFirewallMissing looks for the rules themselves.
    UNWATCHED = (UNIT,)
    MANUAL = "Firewall"
    SETTINGS = "firewall"

    @classmethod
    def wanted(cls, settings: Settings, host: str) -> bool:
        """Whether the settings have a firewall."""
        return settings.firewall is not None

    @classmethod
    def manifests(cls, site: Site) -> list[Manifest]:
        """The one manifest."""
        return [manifest(site.settings, site.key, site.owner)]

    def make(self) -> None:
        """Make the bundle, then confirm its rules over a new SSH connection."""
        super().make()
        wanted = manifest(self.place.settings, self.place.key, self.owner)
        digest = hashlib.sha256(wanted.files[RULES].content.encode()).hexdigest()
        target = self.place.host.target
        self.confirmed = confirm(
            f"{self.place.key}-firewall-confirmed", target, PROGRAM, digest, self.bundle, self.child
        )
