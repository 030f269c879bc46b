"""The packages' only way into the lab: apt-cacher-ng on the root side of the network."""

from __future__ import annotations

import socket

from lab import cache, process
from lab.system import wait_for, write
from lab.topology import GATEWAY, PROXY_PORT, STATE, ipv4

NAME = "apt-cacher-ng"
URL = f"http://{ipv4(GATEWAY)}:{PROXY_PORT}"


def answers() -> bool:
    """Tell whether the proxy accepts connections."""
    try:
        with socket.create_connection((ipv4(GATEWAY), PROXY_PORT), timeout=1):
            return True
    except OSError:
        return False


def up() -> None:
    """Start the proxy with a configuration and a cache of its own, unless one answers."""
    if process.main_pid(NAME) or answers():
        return
    store = cache.directory() / "apt"
    store.mkdir(parents=True, exist_ok=True)
    configuration = STATE / "apt-cacher-ng"
    write(
        configuration / "acng.conf",
        f"CacheDir: {store}\n"
        f"LogDir: {STATE / 'log'}\n"
        f"Port: {PROXY_PORT}\n"
        f"BindAddress: {ipv4(GATEWAY)}\n"
        f"SocketPath: {STATE / 'run' / 'apt-cacher-ng.socket'}\n"
        f"PidFile: {STATE / 'run' / 'apt-cacher-ng.own-pid'}\n"
        "SupportDir: /usr/lib/apt-cacher-ng\n"
        "ForeGround: 1\n"
        "ExThreshold: 30\n",
    )
    process.start(NAME, ["/usr/sbin/apt-cacher-ng", "-c", str(configuration)])
    wait_for("apt-cacher-ng to answer", answers, 20)


def down() -> None:
    """End the proxy."""
    process.terminate(NAME)
    process.finish(NAME)
