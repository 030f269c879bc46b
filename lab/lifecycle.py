"""The lab's life: up, reset and down."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from lab import (
    acme,
    apt_proxy,
    checks,
    container,
    image,
    internet,
    keys,
    knot,
    mailbox,
    network,
    process,
)
from lab.environment import PULUMI_STATE, prepare
from lab.system import LabError, say, wait_for
from lab.topology import ALL_HOSTS, HOSTS, INTERNET, MAILBOX1, MONITOR, SAVED, STATE, SUITES, Host

_RELEASE = STATE / "debian"
_SAVED_STATE = SAVED / PULUMI_STATE.name


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
    network.up()
    apt_proxy.up()
    images = {host: image.ensure(image.of(host, SUITES[debian])) for host in HOSTS}
    stopped = [host for host in HOSTS if not process.main_pid(host.name)]
    if INTERNET in stopped:
        # The records went with it: a state that still has them, or hosts set up by it, fit no more.
        stopped = list(HOSTS)
        if PULUMI_STATE.exists():
            shutil.rmtree(PULUMI_STATE)
        if _SAVED_STATE.exists():
            shutil.copytree(_SAVED_STATE, PULUMI_STATE)
    prepare()
    for host in stopped:
        process.terminate(host.name)
    for host in stopped:
        container.remove(host)  # what a crash may have left

    def start(host: Host) -> None:
        container.prepare(host, images[host])
        acme.trust(host.root, acme.CA.read_text())
        if host.saved.is_dir():
            pass  # configured when it was saved
        elif host == INTERNET:
            internet.configure(host.root)
        elif host == MAILBOX1:
            mailbox.configure(host.root)
        container.boot(host)
        container.wait(host)
        if host.saved.is_dir():
            # It has services that listen once others run.
            container.inside(host, ["systemctl", "is-system-running", "--wait"], check=False)

    if stopped:
        say(f"booting {', '.join(host.name for host in stopped)}")
    # A resolver that starts without an Internet takes its servers to be down for minutes.
    _each(start, [host for host in stopped if host == INTERNET])
    wait_for("the services of the lab's Internet", internet.ready, 60, step=0.3)
    _each(start, [host for host in stopped if host != INTERNET])
    wait_for("SMTP on mailbox1", lambda: container.listens(MAILBOX1, 25), 60)
    acme.export_roots(host.root for host in HOSTS)


def stop_hosts() -> None:
    """Shut all hosts down side by side and delete their file systems."""
    for host in ALL_HOSTS:
        process.terminate(host.name)
    _each(container.remove, ALL_HOSTS)


def save() -> None:
    """Let hosts and the program's state, as they are, be what `reset` and lab/beside begin with.

    The hosts boot again, with what they were as one more layer of their file systems.
    """
    current = release()
    if current is None:
        raise LabError("the lab is not up: 'lab up' first")
    if SAVED.exists():
        raise LabError("the lab is saved already: 'lab down' first")
    say("stopping the hosts")
    knot.flush()
    for host in ALL_HOSTS:
        process.terminate(host.name)
    container.remove(MONITOR)
    _each(container.save, HOSTS)
    shutil.copytree(PULUMI_STATE, _SAVED_STATE)
    up(current)


def reset() -> None:
    """Make all hosts and the program's state as they were at first, or when they were saved."""
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
