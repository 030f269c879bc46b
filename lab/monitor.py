"""monitor: a monitoring server that knows nothing but the files of scripts/monitoring."""

from __future__ import annotations

from lab import acme, container, image, process
from lab.system import run, say, write
from lab.topology import MONITOR, SUITES

# Where the lab's monitoring server looks for the files, inside the container.
DIRECTORY = "/etc/mx-monitoring"
_UNITS = {
    "prometheus": "prometheus.yml",
    "prometheus-blackbox-exporter": "blackbox.yml",
    "prometheus-alertmanager": "alertmanager.yml",
}


def up() -> None:
    """Boot the server, unless it runs; its services wait for their files."""
    if process.main_pid(MONITOR.name):
        return
    container.remove(MONITOR)  # what a crash may have left
    say("booting monitor")
    container.prepare(MONITOR, image.ensure(image.of(MONITOR, SUITES["13"])))
    acme.trust(MONITOR.root, acme.ROOTS.read_text())
    (MONITOR.root / DIRECTORY.lstrip("/")).mkdir()
    for unit, name in _UNITS.items():
        write(MONITOR.root / "etc/default" / unit, f'ARGS="--config.file={DIRECTORY}/{name}"\n')
    run(["chroot", MONITOR.root, "systemctl", "disable", *_UNITS])
    container.boot(MONITOR)
    container.wait(MONITOR)


def read_files() -> None:
    """Start the services with the files that are there now."""
    container.inside(MONITOR, ["systemctl", "restart", *_UNITS])
