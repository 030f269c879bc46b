"""The lab's life: up, reset and down."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from lab import acme, apt_proxy, checks, container, image, internet, keys, mailbox, network, process
from lab.environment import PULUMI_STATE, environment
from lab.system import LabError, say, wait_for
from lab.topology import ALL_HOSTS, HOSTS, INTERNET, MAILBOX1, STATE, SUITES, Host

_RELEASE = STATE / "debian"


def release() -> str | None:
    """Return the Debian release of the exchangers, or None when the lab is down."""
    return _RELEASE.read_text().strip() if _RELEASE.exists() else None


def up(debian: str) -> None:
    """Start what does not run yet, until every service answers."""
    checks.require()
    current = release()
    if current and current != debian:
        raise LabError(f"the lab is up with Debian {current}: 'lab down' first")
    STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    STATE.chmod(0o700)
    _RELEASE.write_text(f"{debian}\n")
    process.prepare_cgroups()
    keys.ensure()
    acme.ensure_ca()
    environment()
    network.up()
    apt_proxy.up()
    images = {host: image.ensure(image.of(host, SUITES[debian])) for host in HOSTS}
    stopped = [host for host in HOSTS if not process.main_pid(host.name)]
    if INTERNET in stopped:
        # The records went with it: a state that still has them, or hosts set up by it, fit no more.
        stopped = list(HOSTS)
        if PULUMI_STATE.exists():
            shutil.rmtree(PULUMI_STATE)
    for host in stopped:
        process.terminate(host.name)
    for host in stopped:
        container.remove(host)  # what a crash may have left

    def start(host: Host) -> None:
        container.prepare(host, images[host])
        acme.trust(host.root, acme.CA.read_text())
        if host == INTERNET:
            internet.configure(host.root)
        elif host == MAILBOX1:
            mailbox.configure(host.root)
        container.boot(host)
        container.wait(host)

    if stopped:
        say(f"booting {', '.join(host.name for host in stopped)}")
    _each(start, stopped)
    wait_for("the services of the lab's Internet", internet.ready, 60, step=0.3)
    wait_for("SMTP on mailbox1", lambda: container.listens(MAILBOX1, 25), 60)
    acme.export_roots(host.root for host in HOSTS)


def stop_hosts() -> None:
    """Shut all hosts down side by side and delete their file systems."""
    for host in ALL_HOSTS:
        process.terminate(host.name)
    _each(container.remove, ALL_HOSTS)


def reset() -> None:
    """Make all hosts and the program's state as they were at first."""
    current = release()
    if current is None:
        raise LabError("the lab is not up: 'lab up' first")
    say("stopping the hosts")
    stop_hosts()
    if PULUMI_STATE.exists():
        shutil.rmtree(PULUMI_STATE)
    up(current)


def down() -> None:
    """End and remove everything that the lab made, save its caches."""
    stop_hosts()
    apt_proxy.down()
    network.down()
    process.remove_cgroups()
    if STATE.exists():
        for path in STATE.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        try:
            STATE.rmdir()
        except OSError as error:
            if error.errno != errno.EBUSY:  # somebody's mount stays
                raise


def _each(action: Callable[[Host], None], hosts: Iterable[Host]) -> None:
    """Do something for several hosts side by side."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(action, hosts))
