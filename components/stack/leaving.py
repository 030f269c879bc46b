"""Changes that are unsafe in one `up`, because the engine deletes last.

An MX host must leave DNS first, and its services and the MTA-STS policy only later. Otherwise the
host would refuse mail, or the policy would not name it, while senders still know its MX record
(RFC 8461 section 8). For the same reason the host's name keeps its address for one TTL more.

A machine must not get another key in `hosts`. The engine would install everything under the new
key and then uninstall everything under the old key, from the same machine.

So the program compares the settings with the outputs of the last `up`, in previews too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from components.host import held
from components.settings.environment import Settings
from components.stack import queued


def refuse_at_once(settings: Settings) -> None:
    """Raise pulumi.RunError with a line for each change that is unsafe in one `up`."""
    try:
        outputs = held.outputs()
    except Exception:
        # An engine that does not give all of the state may give its outputs. A StackReference to
        # the stack itself would be one more resource of it.
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
    """Hosts that leave too early. Each line begins with the YAML path to change.

    `published`: mail domain to the names in its present MX records.
    """
    hosts = {host.hostname: key for key, host in settings.hosts.items()}
    lines = []
    for name, domain in settings.domains.items():
        keepers = {settings.hosts[key].hostname for key in settings.keepers(name)}
        for left in sorted(set(published.get(name, ())) - keepers):
            if left in hosts:
                lines.append(
                    f"domains.{name}.leavingMx: {left} still has an MX record and would "
                    f"refuse the mail that arrives; list {hosts[left]} here until its MX "
                    "record has been gone for one TTL"
                )
            elif domain.mta_sts is not None and left not in domain.mta_sts.also_mx:
                lines.append(
                    f"domains.{name}.mtaSts.alsoMx: {left} still has an MX record, and the "
                    "policy would not name it; set its host to `leaving` first. If the host "
                    "is lost, list its name here until its MX record has been gone for one "
                    "TTL"
                )
    return lines


def other_keys(settings: Settings, published: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Machines and names that would get another key. Each line begins with its YAML path.

    `published`: the output `mxHosts` of the last `up`.
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
                    f"hosts.{key}: {same[0]} is the machine of hosts.{old}. Pulumi would "
                    f"install it as {key} and then uninstall {old} from it, which leaves the "
                    f"machine empty. Keep the key {old}, or remove hosts.{old} in one `up` "
                    f"and add hosts.{key} in the next"
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
                f"hosts.{key}.hostname: {name} is MX of {', '.join(sorted(served))}, and its "
                f"address would go while senders still know the name; let {key} leave first "
                "(leavingMx), and rename it when that MX record has been gone for one TTL"
            )
    return lines
