"""Fixtures: the agent on a host that pretends."""

from tests.support.agent_host import agent, host, root

__all__ = ["agent", "host", "root"]
