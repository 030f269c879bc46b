"""The SDK's debug messages are not sent to the engine.

For each resource the SDK (3.259) sends several of them, one after the other, and waits for each
answer: 567 calls for the lab's 115 resources. The engine drops them, unless it is called with
`--debug`; its own log then has the properties of all resources in clear text.
"""

from __future__ import annotations

from typing import Any

import pulumi


def no_debug() -> None:
    """Drop what the SDK says for its own developers; warnings and errors stay."""

    def nothing(*arguments: Any, **keywords: Any) -> None:
        del arguments, keywords

    pulumi.log.debug = nothing
