"""What a run that was cut off had begun: the engine's state names it as pending."""

from __future__ import annotations

from . import engine, state
from .app import Failure
from .console import tell
from .explain import explain

_RECORD = "cloudflare:index/dnsRecord:DnsRecord"
# A refresh of the stack itself reads nothing. It needs the lock, and it alone can drop the marks.
_REFRESH = ("refresh", "--yes", "--skip-preview", "--non-interactive")
_NOTHING = ("--target", "**pulumi:pulumi:Stack::**")


def begun(stack: str) -> tuple[list[str], list[str]]:
    """Names of the records, and of all else, that a run was making when it was cut off.

    Raises Failure when the state cannot be read.
    """
    found: tuple[list[str], list[str]] = ([], [])
    for item in state.deployment(stack).get("pending_operations") or []:
        if item["type"] == "creating":
            resource = item["resource"]
            found[resource["type"] != _RECORD].append(resource["urn"].rpartition("::")[2])
    return found


def take_over(stack: str) -> None:
    """Have the state know the records that are at the API already. Raises Failure.

    A host needs nothing of that kind: the agent finds out by itself what it has done.
    """
    records, others = begun(stack)
    if not records and not others:
        return
    # What is pending may be what another operator's run is doing now.
    _refresh(stack, "--skip-pending-creates")
    if records:
        tell(
            f"a run was cut off while it made {len(records)} DNS records: those that are at the "
            "API already are taken over"
        )
        options = ("--yes", "--skip-preview", "--non-interactive")
        if engine.script("records", stack, *options, stack=stack):
            raise Failure(f"the records of the run that was cut off: see above; then mx up {stack}")
    _refresh(stack, "--clear-pending-creates")


def _refresh(stack: str, pending: str) -> None:
    done = engine.call(stack, [*_REFRESH, pending, *_NOTHING])
    if done.returncode:
        text = done.stdout + done.stderr
        raise Failure(explain(text[max(text.find("error:"), 0) :], stack))
