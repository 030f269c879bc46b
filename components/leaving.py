"""An MX host goes from DNS first, and only then from what it does and from the policy.

The engine deletes last: in one `up` a host would refuse mail, or the MTA-STS policy leave it out,
while its MX record still sends senders there (RFC 8461 section 8). So the program compares the
settings with what the last `up` exported, in previews too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pulumi

from .settings import Settings


def refuse_at_once(settings: Settings) -> None:
    """Raise pulumi.RunError, a line each, for MX hosts that would leave DNS last."""
    # A StackReference to the stack itself would be one more resource of it.
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    read = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": name}).value or {}
    lines = faults(settings, read.get("outputs", {}).get("mailDomains", {}))
    if lines:
        source = f"stacks/Pulumi.{pulumi.get_stack()}.yaml"
        raise pulumi.RunError("\n".join(f"{source}: mx:mail.{line}" for line in lines))


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
