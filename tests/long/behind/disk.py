"""A host's whole disk, copied while the host is off, and put back on the same or another host."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path

from lab import acme, container, image, lifecycle
from lab.system import LabError, run, wait_for
from lab.topology import SUITES, Host
from tests.host.machine import switch_off, switch_on


def copied(host: Host, to: Path) -> None:
    """Switch a host off, copy its disk, and switch it on again."""
    _off(host)
    run(["cp", "-a", "--reflink=auto", host.directory / "upper", to])
    _on(host)


def put_back(host: Host, disk: Path) -> None:
    """Give a host another disk: its power goes, and it boots from a copy that `copied` made.

    Host name, addresses and SSH keys are the host's own, as a hypervisor gives them to a copy.
    """
    _off(host)
    shutil.rmtree(host.directory / "upper")
    shutil.rmtree(host.directory / "work")
    run(["cp", "-a", "--reflink=auto", disk, host.directory / "upper"])
    _on(host)


def cloned(origin: Host, disk: Path, twin: Host) -> None:
    """Give a host a copy of another host's disk; both run then, each with its own address.

    `disk`: the copy that `copied` made of the disk of `origin`.
    """

    class Twin(Host):
        """The host above the layer that the lab keeps of the other one."""

        @property
        def saved(self) -> Path:
            """That layer."""
            return origin.saved

    _off(twin)
    shutil.rmtree(twin.directory / "upper")
    shutil.rmtree(twin.directory / "work")
    run(["cp", "-a", "--reflink=auto", disk, twin.directory / "upper"])
    _on(
        Twin(**{field.name: getattr(twin, field.name) for field in fields(twin)}),
        (origin.root / "etc/machine-id").read_text(),
    )


def _off(host: Host) -> None:
    switch_off(host)
    run(["umount", host.root])


def _on(host: Host, machine_id: str = "") -> None:
    release = lifecycle.release()
    if release is None:
        raise LabError("the lab is not up: 'lab up' first")
    container.prepare(host, image.ensure(image.of(host, SUITES[release])))
    acme.trust(host.root, acme.CA.read_text())
    if machine_id:
        (host.root / "etc/machine-id").write_text(machine_id)
    switch_on(host)
    wait_for(f"SMTP on {host.name}", lambda: container.listens(host, 25), 300, step=1)
