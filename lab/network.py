"""The lab's network: one bridge in a namespace of its own, one veth to each host."""

from __future__ import annotations

import json
from pathlib import Path

from lab import topology
from lab.system import run
from lab.topology import ALL_HOSTS, BRIDGE_NETNS, GATEWAY, ROOT_VETH, Host, ipv4, ipv6


def namespaces() -> list[str]:
    """Return the lab's network namespaces that exist."""
    wanted = [BRIDGE_NETNS, *(host.netns for host in ALL_HOSTS)]
    return [name for name in wanted if Path("/run/netns", name).exists()]


def up() -> None:
    """Make the bridge and join the root namespace to it, unless that is done."""
    if BRIDGE_NETNS in namespaces():
        return
    run(["ip", "netns", "add", BRIDGE_NETNS])
    inside = ["ip", "-n", BRIDGE_NETNS]
    run([*inside, "link", "add", "br0", "type", "bridge", "forward_delay", "0"])
    run([*inside, "link", "set", "br0", "up"])
    run(["ip", "link", "add", ROOT_VETH, "type", "veth", "peer", "root", "netns", BRIDGE_NETNS])
    run([*inside, "link", "set", "root", "master", "br0", "up"])
    _address([], ROOT_VETH, GATEWAY)
    run(["ip", "link", "set", ROOT_VETH, "up"])


def join(host: Host) -> None:
    """Make the host's namespace with all its addresses, joined to the bridge."""
    if host.netns in namespaces():
        return
    run(["ip", "netns", "add", host.netns])
    port = ["peer", host.name, "netns", BRIDGE_NETNS]
    run(["ip", "-n", host.netns, "link", "add", "eth0", "type", "veth", *port])
    run(["ip", "-n", BRIDGE_NETNS, "link", "set", host.name, "master", "br0", "up"])
    for number in host.numbers:
        _address(["-n", host.netns], "eth0", number)
    run(["ip", "-n", host.netns, "link", "set", "lo", "up"])
    run(["ip", "-n", host.netns, "link", "set", "eth0", "up"])


def _address(netns: list[str], device: str, number: int) -> None:
    """Give a device the IPv4 and the IPv6 address of a host number."""
    run(["ip", *netns, "address", "add", f"{ipv4(number)}/24", "dev", device])
    run(["ip", *netns, "address", "add", f"{ipv6(number)}/64", "dev", device, "nodad"])


def down() -> None:
    """Remove the namespaces and, with them, the veths."""
    # The link first: it also goes with its namespace, but a moment later.
    links = json.loads(run(["ip", "-json", "link", "show"]))
    if any(link["ifname"] == topology.ROOT_VETH for link in links):
        run(["ip", "link", "delete", ROOT_VETH])
    for name in namespaces():
        run(["ip", "netns", "delete", name])
