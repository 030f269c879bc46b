"""DNSSEC of a zone: the signing is switched on once, by a call of ours, and then left alone.

pulumi_cloudflare has a resource for this, ZoneDnssec, but no form of that resource survives the
weeks in which a zone is "pending", which lasts until the registrar has the DS record. A refresh
reads "pending", and after the refresh the plug-in refuses that word as an input (`status` in
ignore_changes), sends "active" in each run (`status` set) or reports a change for ever (`status`
left out).
"""

from __future__ import annotations

import pulumi
import pulumi_command as command

from components.protocol.calls import SIGNING

# The plug-in runs a local command in the folder of Pulumi.yaml, which also names .venv.
_RUN = ".venv/bin/python -I components/dns/sign.py"


def signed(
    zone: str,
    zone_id: str,
    parent: pulumi.Resource,
    token: pulumi.Input[str] | None = None,
    base_url: str | None = None,
) -> pulumi.Output[str]:
    """Have Cloudflare sign a zone; give the DS record that its registrar needs.

    `token`, `base_url`: of the stack, or None for those of the environment: the state must not
    depend on who runs `up`. Nothing ends the signing: signatures that vanish under a DS record
    make the zone bogus for every resolver (RFC 4035 5.2).
    """
    environment: dict[str, pulumi.Input[str]] = {"MX_ZONE_ID": zone_id}
    if token is not None:
        environment["MX_API_TOKEN"] = pulumi.Output.secret(token)
    if base_url is not None:
        environment["MX_API_URL"] = base_url
    done = command.local.Command(
        f"{SIGNING}{zone}",
        create=_RUN,
        environment=environment,
        # What a former run printed is of no use to the next one.
        add_previous_output_in_env=False,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return done.stdout
