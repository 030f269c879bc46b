"""Whether a host's firewall will let the machine in that runs the engine."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from components.settings.environment import Settings


def words(settings: Settings, client: str) -> str:
    """Why new rules will shut out the client of the present SSH connection; empty when they do not.

    `client`: the address from which a host sees the connection come, as sshd(8) names it.
    """
    firewall = settings.firewall
    try:
        address = ip_address(client)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if firewall is None or any(address in ip_network(each) for each in firewall.ssh_networks):
        return ""
    return (
        f"this machine comes from {address}, which firewall.sshNetworks does not have. The host "
        f"tries new rules, finds this machine shut out, and takes its former rules back after "
        f"{firewall.confirm_seconds} s. Add the network from which `mx up` runs"
    )
