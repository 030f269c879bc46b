"""One component on one host: one command, one SSH connection, one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import pulumi
import pulumi_command as command

from components.host import agent
from components.host.manifest import Manifest
from components.host.target import Target
from components.host.turns import in_turn, interrupts, untried
from components.protocol.calls import AGENT, AGENT_PATH, as_first_line

_HERE = Path(__file__).resolve().parent
_BOOTSTRAP = _HERE / "bootstrap.sh"
# Of one host at a time: it drops logins when more than ten come at once (MaxStartups,
# sshd_config(5)), and each domain has its own.
_READS = 8

T = TypeVar("T")


class Bundle:
    """A manifest applied by the agent of a host.

    The call's text changes only when the host drifted (drift.py): what changes stands in `stdin`,
    which a preview shows line by line. No `triggers` (the old delete would run after the new
    create) and no environment (a stock sshd refuses it).

    `secret`: the manifest is a secret in the state and in previews, and nothing of the call is
    logged. Such a manifest is a bundle of its own, so that the rest stays readable. Raises
    ValueError when a manifest with a secret in it is not given as one.

    `text`: the manifest's text where it depends on what another bundle hands on; `manifest` then
    names the bundle and its files. `keep`: the state's manifest stays, if the state has one.

    Provides: `applied`, whether the host has this manifest after the run. A run that leaves the
    command out (`--target`, `--exclude`) gets the command as it is in the state.
    """

    def __init__(
        self,
        name: str,
        target: Target,
        manifest: Manifest,
        opts: pulumi.ResourceOptions,
        depends_on: Sequence[pulumi.Resource] = (),
        secret: bool = False,
        text: pulumi.Input[str] | None = None,
        keep: bool = False,
    ) -> None:
        if manifest.secret and not secret:
            raise ValueError(f"bundle {manifest.bundle}: has a secret, but is not a secret bundle")
        seen = target.seen
        self.name = manifest.bundle
        target.manifests.append(manifest)
        stdin = manifest.text() if text is None else text
        held = seen.held.get(name)
        mine = False
        if held is not None and (mine := interrupts(held.text, manifest.text())):
            well = target.answered if untried(held.text, manifest.text()) else ()
            stdin = in_turn(stdin, target.earlier, well)
        hide = pulumi.ResourceOptions(additional_secret_outputs=["stdin", "stdout", "stderr"])
        create = f"{target.sudo}{AGENT_PATH} apply{seen.argument(name, manifest.bundle)}"
        self.command = made = command.remote.Command(
            name,
            connection=target.connection,
            create=create,
            delete=f"{target.sudo}{AGENT_PATH} remove {manifest.bundle}",
            stdin=pulumi.Output.secret(stdin) if secret else stdin,
            logging=command.remote.Logging.NONE if secret else None,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions.merge(
                target.look.options(pulumi.ResourceOptions.merge(opts, hide) if secret else opts),
                pulumi.ResourceOptions(
                    depends_on=list(depends_on),
                    ignore_changes=[*seen.ignored, *(["stdin"] if keep else [])],
                ),
            ),
        )
        target.interrupting += [made] if mine else []
        ignored = {*seen.ignored, *(["stdin"] if keep else [])}
        compared = {"create": create, "stdin": stdin}
        self.applied: pulumi.Output[bool] = pulumi.Output.all(
            *(
                pulumi.Output.all(wanted, getattr(made, key)).apply(lambda both: both[0] == both[1])
                for key, wanted in compared.items()
                if key not in ignored
            )
        ).apply(all)

    def done(self, value: T) -> pulumi.Output[T]:
        """`value`, known once the bundle is applied: order by data flow."""
        return self.command.id.apply(lambda _: value)


def read_fact(
    name: str,
    target: Target,
    program: str,
    stdin: str,
    bundle: Bundle,
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """What a program of the host prints: read once, again when `stdin` changes or `bundle` heals.

    `stdin` is what the answer depends on; the program need not read it. What a bundle made may be
    new after it is healed: a host that was set up anew, or put back, has other keys.
    """
    seen = target.seen
    earlier = target.reads[-_READS : 1 - _READS]  # the one that many before, if there is one
    done = command.remote.Command(
        name,
        connection=target.connection,
        create=f"{target.sudo}{program}{seen.comment(name, bundle.name)}",
        stdin=stdin,
        add_previous_output_in_env=False,
        opts=pulumi.ResourceOptions.merge(
            target.look.options(opts),
            pulumi.ResourceOptions(
                depends_on=[bundle.command, *earlier], ignore_changes=seen.ignored
            ),
        ),
    )
    target.reads.append(done)
    return done.stdout


def install_agent(
    name: str, target: Target, opts: pulumi.ResourceOptions
) -> command.remote.Command:
    """Put the agent on a host: the first command there, and the last one removed."""
    line = as_first_line(target.seen.number(name, AGENT))
    return command.remote.Command(
        name,
        connection=target.connection,
        create=line + _BOOTSTRAP.read_text(),
        delete=f"{target.sudo}{AGENT_PATH} uninstall",
        stdin=agent.sources(),
        add_previous_output_in_env=False,
        opts=pulumi.ResourceOptions.merge(
            target.look.options(opts), pulumi.ResourceOptions(ignore_changes=target.seen.ignored)
        ),
    )
