"""Hosts that serve take turns where a change may keep one from taking mail.

A restart takes seconds, and a change that fails is tried for half a minute before it is undone: on
all MX hosts at once that is mail refused everywhere. So such a change of a host waits until those
of the host before it have ended, well or not: a host that cannot be reached holds nobody back.
Hosts that do not serve yet, and changes that Postfix only reloads, go side by side. Values that no
host has tried yet (`postfix.extra`, a package from another repository) go on only from a host that
took them: what one host undid, no other one tries.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pulumi

# Without these a host takes no mail, and they cannot change without a moment of that.
_RESTARTED = ("mariadb", "resolver", "redis", "spam-filter", "spam-filter-password")
# These are reloaded, unless the manifest says that they restart.
_RELOADED = ("postfix", "postfix-tls")
# Values that nothing here has tried before the host does.
_OWN_PARAMETERS = "/etc/postfix/main.cf.d/95-extra.cf"


def interrupts(old: str, new: str) -> bool:
    """Whether the change from one manifest's text to another may keep the host from taking mail.

    `old` is empty for a bundle that the host does not have yet.
    """
    if not old or old == new:
        return False
    before, after = json.loads(old), json.loads(new)
    if after["bundle"] in _RESTARTED:
        return True
    if after["bundle"] not in _RELOADED:
        return False
    if before.get("units") != after.get("units"):
        return True
    ours, theirs = before.get("files", {}), after.get("files", {})
    changed = [path for path in {*ours, *theirs} if ours.get(path) != theirs.get(path)]
    return untried(old, new) or any(
        _restarts(ours.get(path)) or _restarts(theirs.get(path)) for path in changed
    )


def untried(old: str, new: str) -> bool:
    """Whether the change brings what only a host can try.

    That is parameters of the operator's own, or packages from another repository.
    """
    before, after = (json.loads(text) if text else {} for text in (old, new))
    ours, theirs = (each.get("files", {}).get(_OWN_PARAMETERS) for each in (before, after))
    return bool(old) and (ours != theirs or before.get("newest") != after.get("newest"))


def _restarts(file: dict[str, Any] | None) -> bool:
    return bool(file and file.get("restart"))


def in_turn(
    text: pulumi.Input[str],
    before: Sequence[pulumi.Resource],
    well: Sequence[pulumi.Resource] = (),
) -> pulumi.Output[str]:
    """`text` once the resources `before` are done or have failed; it depends on none of them.

    `well`: those of them that must not have failed; otherwise the output fails as they did.
    """

    async def ended() -> str:
        for resource in before:
            try:
                await resource.urn.future()
            except Exception:
                # What failed tells so itself; for the others it only has to be over.
                if resource in well:
                    raise
        return ""

    return pulumi.Output.all(ended(), text).apply(lambda both: str(both[1]))
