"""One cut: dpkg stops at a line of its own status, and all of it dies, or the host's power goes."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from lab import container, topology
from lab.system import LabError, wait_for
from lab.topology import Host
from tests.host.machine import switch_off, switch_on

BUNDLES = "/var/lib/mx-agent/bundles"
LOGGER, CONFIGURATION = "/usr/local/sbin/cut-dpkg", "/etc/dpkg/dpkg.cfg.d/cut"
STOPPED, OVER = "/run/dpkg-stopped", "/run/dpkg-over"
# dpkg writes each status to it. dpkg(1), --status-logger; its parent is dpkg, or a shell of dpkg's.
_PROGRAM = r"""#!/bin/sh
while read -r line; do
  case "$line" in
    "%s"*)
      pkill -STOP -x dpkg
      echo "$line" >%s
      exec sleep 300 ;;
  esac
done
"""
_UNFINISHED = (
    "dpkg-query -W -f '${Package} ${db:Status-Status},\\n' "
    "| grep -Ev ' (installed|config-files),$'; "
    "ls /var/lib/dpkg/updates | grep -c '^[0-9]' | sed 's/$/ updates of the status/'"
)
# The brackets keep the pattern from its own shell's words.
_TREE = (
    "pkill -KILL -f '[m]x-agent apply'; pkill -KILL -x apt-get; pkill -KILL -x dpkg; "
    "pkill -KILL -f '[c]ut-dpkg'; true"
)


@dataclass(frozen=True)
class Moment:
    """`line`: how the line of dpkg's status begins; `power`: the host's power goes, not dpkg alone.

    `bundle`: what is applied; `package`: what is missing then.
    """

    line: str
    power: bool
    bundle: str
    package: str


def _of(bundle: str, package: str) -> tuple[Moment, ...]:
    return (
        Moment(f"processing: install: {package}", False, bundle, package),
        Moment(f"status: {package}: half-installed", True, bundle, package),
        Moment(f"status: {package}: unpacked", False, bundle, package),
        Moment(f"processing: configure: {package}", True, bundle, package),
        Moment(f"status: {package}: half-configured", False, bundle, package),
        Moment(f"status: {package}: installed", True, bundle, package),
    )


# A library of Postfix with triggers, and a service with an account, a unit and files of its own.
MOMENTS = (
    *_of("postfix", "postfix-mysql")[:5],
    *_of("redis", "redis-server")[1:],
)


def sh(host: Host, command: str) -> str:
    """Run a command on the host as root."""
    return container.inside(host, ["timeout", "300", "bash", "-c", command])


def cut(host: Host, moment: Moment) -> str:
    """Apply a bundle whose package is missing, and end it at that moment; what dpkg left.

    Raises LabError when the moment does not come.
    """
    sh(host, f"DEBIAN_FRONTEND=noninteractive apt-get -qq -y purge {moment.package} 2>&1")
    root = host.root
    (root / LOGGER[1:]).write_text(_PROGRAM % (moment.line, STOPPED))
    (root / LOGGER[1:]).chmod(0o755)
    (root / CONFIGURATION[1:]).write_text(f"status-logger={LOGGER}\n")
    try:
        _until(host, moment)
        if moment.power:
            switch_off(host)
            switch_on(host)
            wait_for(f"SMTP on {host.name}", lambda: container.listens(host, 25), 300, step=1)
        else:
            sh(host, _TREE)
            wait_for("end of dpkg", lambda: not sh(host, "pgrep -x dpkg; true"), 60)
    finally:
        sh(host, f"rm -f {CONFIGURATION} {LOGGER} {STOPPED} {OVER}")
    return " ".join(sh(host, _UNFINISHED).split())


def _until(host: Host, moment: Moment) -> None:
    """Apply the bundle until dpkg has stopped."""
    record = json.loads((host.root / BUNDLES[1:] / f"{moment.bundle}.json").read_text())
    (host.root / "root/manifest.json").write_text(record["text"])
    begin = f"rm -f {STOPPED} {OVER}; (mx-agent apply </root/manifest.json; echo >{OVER})"
    sh(host, f"{begin} >/root/apply.log 2>&1 & disown")
    deadline = time.monotonic() + 240
    while not sh(host, f"cat {STOPPED} 2>/dev/null; true"):
        if sh(host, f"test -e {OVER} && echo over; true") or time.monotonic() > deadline:
            raise LabError(f"dpkg never said {moment.line!r}: {sh(host, 'cat /root/apply.log')}")
        time.sleep(0.05)


def left(host: Host) -> list[str]:
    """What is not as it must be on a host after an `up` that converged."""
    found = []
    if audit := sh(host, "dpkg --audit; find /var/lib/dpkg/updates -type f"):
        found.append(f"dpkg --audit: {audit.split(chr(10))[0]}")
    status = json.loads(sh(host, "mx-agent status"))
    found += [
        f"{name}: {each['drift']}" for name, each in status["bundles"].items() if each["drift"]
    ]
    found += [f"{name} is marked as failed" for name in status["failed"]]
    if masked := sh(host, "ls -l /run/systemd/system | grep /dev/null; true"):
        found.append(f"masked: {masked}")
    if not container.listens(topology.host(host.name), 25):
        found.append("port 25 is closed")
    return found
