"""An MX host before any service: the agent that applies every other component.

Stands first: everything else on the host is a bundle for this agent.
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.host import Seen, Target
from components.host.bundle import install_agent
from components.protocol.calls import agent_resource
from components.settings.environment import Settings


class Host(pulumi.ComponentResource):
    """The agent under /usr/local/sbin.

    Creates: the agent, once `after` is done. Provides: `target`, `agent`.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        seen: Seen,
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
        self.register_outputs({})
