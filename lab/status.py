"""A table of the lab's hosts and services."""

from __future__ import annotations

from lab import apt_proxy, container, process
from lab.topology import HOSTS, MONITOR, ipv4


def rows() -> list[tuple[str, str, str, str]]:
    """Return host, service, address and state for everything in the lab."""
    found = []
    wanted = [*HOSTS, *([MONITOR] if process.main_pid(MONITOR.name) else [])]
    for host in wanted:
        running = container.leader(host) is not None
        addresses = ",".join(ipv4(number) for number in host.numbers)
        found.append((host.name, "container", addresses, "running" if running else "stopped"))
        for service in host.services:
            state = "stopped"
            if running:
                state = container.inside(
                    host, ["systemctl", "is-active", service], check=False
                ).strip()
            found.append((host.name, service, host.address, state))
    proxy = "active" if apt_proxy.answers() else "stopped"
    found.append(("this machine", apt_proxy.NAME, apt_proxy.URL, proxy))
    return found


def table() -> str:
    """Return the rows as aligned text."""
    lines = [("HOST", "SERVICE", "ADDRESS", "STATE"), *rows()]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def healthy() -> bool:
    """Tell whether everything runs."""
    return all(state in ("running", "active") for *_, state in rows())
