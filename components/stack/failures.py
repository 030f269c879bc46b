"""A failed bundle must not cut short the work on other hosts.

With `--continue-on-error` the engine goes on after a failure, but the SDK (3.259) ends the program
as soon as a resource depends on a failed one, and what was not registered by then is left undone.
Here such a dependant is passed over and the program fails at its end. It must fail: to a program
that ends well the engine answers by deleting all that was not registered, MX records included.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pulumi import RunError
from pulumi.runtime.settings import _get_rpc_manager
from pulumi.runtime.stack import ResourceRegistrationFailed

_Rpc = Callable[..., Awaitable[Any]]


def fail_at_the_end() -> None:
    """Make a failed dependency fail the program only at its end, after all other work."""
    manager = _get_rpc_manager()
    do_rpc = manager.do_rpc

    def patient(name: str, function: _Rpc) -> _Rpc:
        async def call(*arguments: Any, **keywords: Any) -> Any:
            try:
                return await function(*arguments, **keywords)
            except ResourceRegistrationFailed:
                manager.unhandled_exception = RunError(
                    "resources that depend on a failed one were not changed; everything else "
                    "was done. Mend the failure, then run `up` again"
                )
                return None

        return do_rpc(name, call)

    manager.do_rpc = patient  # type: ignore[assignment, method-assign]
