"""A file of the operator's machine, brought to a host as it is.

The one use of CopyToRemote: of a file asset the engine's state keeps path and digest only, while
a manifest stands in it in full. What the provider lacks is made up for: a host that changed, or
one where the bundle that reads the file drifted, gets it again (`triggers`; it has no delete that
could run too late), and the bundle compares its digest first, since it is written in place.
"""

from __future__ import annotations

import pulumi
import pulumi_command as command

from components.host.target import Target

DIRECTORY = "/var/lib/mx-upload"


def upload(
    name: str,
    target: Target,
    path: str,
    remote_name: str,
    bundle: str,
    opts: pulumi.ResourceOptions,
) -> command.remote.CopyToRemote:
    """Copy `path` to DIRECTORY/`remote_name`, which `bundle` reads.

    The bootstrap makes DIRECTORY, for the login only.
    """
    seen = target.seen
    return command.remote.CopyToRemote(
        name,
        connection=target.connection,
        source=pulumi.FileAsset(path),
        remote_path=f"{DIRECTORY}/{remote_name}",
        triggers=[target.connection.host, target.connection.host_key, seen.number(name, bundle)],
        opts=pulumi.ResourceOptions.merge(
            target.look.options(opts),
            pulumi.ResourceOptions(ignore_changes=[] if seen.read else ["triggers"]),
        ),
    )
