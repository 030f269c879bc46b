"""An MX host before any service: the agent that applies every other component, and all packages.

Stands first: everything else on the host is a bundle for this agent.
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.host import Seen, Target
from components.host.bundle import Bundle, install_agent
from components.host.manifest import Manifest
from components.protocol.calls import agent_resource
from components.settings.environment import Settings


class Host(pulumi.ComponentResource):
    """The agent under /usr/local/sbin, and the packages of all services.

    Creates: the agent, once `after` is done, then the bundle `packages`. Provides: `target`,
    `agent`; `ready`, what each service waits for.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        seen: Seen,
        packages: Manifest,
        opts: pulumi.ResourceOptions | None = None,
        after: Sequence[pulumi.Resource] = (),
        before: Target | None = None,
    ) -> None:
        super().__init__("mx:host:Host", name, None, opts)
        self.target = Target(name, settings, seen, before)
        self.agent = install_agent(
            agent_resource(name),
            self.target,
            pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
        self.ready = Bundle(
            f"{name}-{packages.bundle}",
            self.target,
            packages,
            pulumi.ResourceOptions(parent=self),
            depends_on=[self.agent],
        ).command
        self.register_outputs({})
