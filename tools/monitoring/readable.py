"""The outputs of a stack as monitoring needs them, or words for a person why they are not."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from components.settings import stack_file
from components.settings.environment import SettingsError
from components.stack.outputs import VERSION, Outputs


def outputs(printed: str, stack: str) -> Outputs:
    """The outputs that `pulumi stack output --json` printed. Raises ValueError with one line."""
    try:
        document: Any = json.loads(printed.strip() or "{}")
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ValueError("what was read is not the JSON of `pulumi stack output --json`")
    if not document:
        raise ValueError(
            f"the stack {stack} has no outputs: no `mx up {stack}` has made its hosts yet, or "
            f"`mx destroy` has removed them; run `mx up {stack}` first"
        )
    version = document.get("outputsVersion", VERSION)
    if version != VERSION:
        raise ValueError(
            f"outputs.outputsVersion: {version!r}, but this MX reads {VERSION}: another MX ran the "
            f"last `mx up`; take that one, or run `mx up {stack}` with this one"
        )
    try:
        return Outputs.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(("outputs", *map(str, first["loc"])))
        seen = "missing" if first["type"] == "missing" else first["msg"]
        raise ValueError(
            f"{key}: {seen}: an MX of another version ran the last `mx up`; run `mx up {stack}` "
            "with this one"
        ) from None


def not_watched(stack: str) -> str:
    """Why the outputs have no thresholds, which come from `monitoring` alone, and what to do."""
    source = f"stacks/Pulumi.{stack}.yaml"
    try:
        added = stack_file.settings_of(stack).monitoring is not None
    except SettingsError:
        return (
            f"there was no `monitoring` in {source} at the last `mx up`, so there is nothing to "
            f"watch; add it, and run `mx up {stack}`"
        )
    if added:
        return (
            f"`monitoring` is in {source}, but no `mx up` has succeeded since it was added; run "
            f"`mx up {stack}`"
        )
    return (
        f"there is no `monitoring` in {source}, so there is nothing to watch; add it "
        f'(docs/settings.md, "monitoring"), and run `mx up {stack}`'
    )
