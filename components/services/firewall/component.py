"""The firewall of an MX host: an nftables table of its own, on trial until it is confirmed.

Stands after Host and before what needs an open port. Rules that cut the operator's connection undo
themselves: they are confirmed over a new SSH connection, or go after `confirmSeconds`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pulumi

from components.host import Bundle, File, Manifest, confirm
from components.host.component import Host
from components.services.firewall import nftables
from components.settings.environment import Settings

PROGRAM = "/usr/local/sbin/mx-firewall"
RULES = "/etc/mx/firewall.nft"
UNIT = "mx-firewall.service"
_FILES = Path(__file__).resolve().parent / "files"
_UNIT_FILE = f"/etc/systemd/system/{UNIT}"


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
        directories={"/etc/mx": {"mode": "0755"}},
        files={
            RULES: File(rules),
            PROGRAM: File((_FILES / PROGRAM.lstrip("/")).read_text(), "0755"),
            _UNIT_FILE: File(unit(seconds)),
        },
        check=[{"run": ["nft", "--check", "--file", RULES], "fail_on_stderr": True}],
        units={UNIT: {}},
        run=[{"run": [PROGRAM, "load", str(seconds)]}],
        compare=[{"name": "rules in the kernel", "run": [PROGRAM, "compare"]}],
    )


class Firewall(pulumi.ComponentResource):
    """Creates: the bundle `firewall` and its confirmation. Provides: `bundle`, `confirmed`."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        host: Host,
        owner: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mx:host:Firewall", f"{name}-firewall", None, opts)
        child = pulumi.ResourceOptions(parent=self)
        wanted = manifest(settings, name, owner)
        self.bundle = Bundle(
            f"{name}-firewall", host.target, wanted, child, depends_on=[host.agent]
        )
        digest = hashlib.sha256(wanted.files[RULES].content.encode()).hexdigest()
        self.confirmed = confirm(
            *(f"{name}-firewall-confirmed", host.target, PROGRAM, digest),
            *(self.bundle, child),
        )
        self.register_outputs({})
