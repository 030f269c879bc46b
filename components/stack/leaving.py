"""What must not go in one `up`, since the engine deletes last.

An MX host goes from DNS first, and only then from what it does and from the policy: it would refuse
mail, or the MTA-STS policy leave it out, while its MX record still sends senders there (RFC 8461
section 8). Its name loses its address as late: whoever knows the MX record for a TTL more would
bounce. And a machine gets no other key: what went with the former one would be taken off it after
all of the new one is there. So the program compares the settings with what the last `up` exported,
in previews too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from components.settings.environment import Settings
from components.stack import queued


def refuse_at_once(settings: Settings) -> None:
    """Raise pulumi.RunError, a line each, for MX hosts that would leave DNS or a machine last."""
    # A StackReference to the stack itself would be one more resource of it.
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    read = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": name}).value or {}
    outputs = read.get("outputs", {})
    hosts, domains = outputs.get("mxHosts", {}), outputs.get("mailDomains", {})
    lines = (
        other_keys(settings, hosts)
        or other_names(settings, hosts, domains)
        or faults(settings, domains)
    )
    if lines:
        source = f"stacks/Pulumi.{pulumi.get_stack()}.yaml"
        raise pulumi.RunError("\n".join(f"{source}: mx:mail.{line}" for line in lines))
    queued.look(settings, domains)


def faults(settings: Settings, published: Mapping[str, Iterable[str]]) -> list[str]:
    """Hosts that leave too early, each line beginning with the YAML path of its cure.

    `published`: mail domain to the hosts that its MX records name until now.
    """
    hosts = {host.hostname: key for key, host in settings.hosts.items()}
    lines = []
    for name, domain in settings.domains.items():
        keepers = {settings.hosts[key].hostname for key in settings.keepers(name)}
        for left in sorted(set(published.get(name, ())) - keepers):
            if left in hosts:
                lines.append(
                    f"domains.{name}.leavingMx: {left} is in DNS and would refuse the mail that "
                    f"still comes; list {hosts[left]} here until its MX record is gone for a TTL"
                )
            elif domain.mta_sts is not None and left not in domain.mta_sts.also_mx:
                lines.append(
                    f"domains.{name}.mtaSts.alsoMx: {left} is in DNS; let its host be `leaving` "
                    "first, or, when it is lost, list it here until its MX record is gone for a TTL"
                )
    return lines


def other_keys(settings: Settings, published: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Machines and names that would get another key, each line beginning with its YAML path.

    `published`: the output `mxHosts` until now.
    """
    lines = []
    for old, was in published.items():
        if old in settings.hosts:
            continue
        for key, host in settings.hosts.items():
            names = (str(host.ipv4), host.ssh_address, host.hostname)
            same = [name for name in names if name in (was["ipv4"], was["hostname"])]
            if same:
                lines.append(
                    f"hosts.{key}: {same[0]} is hosts.{old} until now, and what went with that "
                    f"key would be taken away after this; keep the key {old}, or take hosts.{old} "
                    f"out with one `up` and give hosts.{key} with the next"
                )
    return lines


def other_names(
    settings: Settings,
    hosts: Mapping[str, Mapping[str, Any]],
    domains: Mapping[str, Iterable[str]],
) -> list[str]:
    """Hosts that would get another name while MX records name them; `hosts`, `domains` as above."""
    lines = []
    for key, was in hosts.items():
        name = was["hostname"]
        served = [domain for domain, names in domains.items() if name in names]
        if key in settings.hosts and settings.hosts[key].hostname != name and served:
            lines.append(
                f"hosts.{key}.hostname: {name} is MX of {', '.join(sorted(served))} and would lose "
                f"its address while senders still know it; let {key} leave first (leavingMx), and "
                "rename it when that MX record is gone for a TTL"
            )
    return lines
