"""A word that only a new SSH connection can bring: the host is still reachable."""

from __future__ import annotations

import pulumi
import pulumi_command as command

from components.host.bundle import Bundle
from components.host.target import Target


def confirm(
    name: str,
    target: Target,
    program: str,
    digest: str,
    bundle: Bundle,
    opts: pulumi.ResourceOptions,
) -> command.remote.Command:
    """Call `program confirm` with a digest on stdin, once the bundle is applied.

    Every command has a connection of its own, so this one proves that the host lets it in. It
    carries the bundle's heal number, since what is healed is on trial again. Its deletion, before
    that of the bundle, calls `program forget`.
    """
    return command.remote.Command(
        name,
        connection=target.connection,
        create=f"{target.sudo}{program} confirm{target.seen.argument(name, bundle.name)}",
        delete=f"{target.sudo}{program} forget",
        stdin=f"{digest}\n",
        add_previous_output_in_env=False,
        opts=pulumi.ResourceOptions.merge(
            target.look.options(opts),
            pulumi.ResourceOptions(depends_on=[bundle.command], ignore_changes=target.seen.ignored),
        ),
    )
