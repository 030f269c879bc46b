"""Results of access tables (access(5))."""

from __future__ import annotations

import re
from typing import Literal

Answer = Literal["ok", "dunno", "refuse", "defer", "broken"]


def action(text: str) -> Answer | None:
    """What a result of an access table does (access(5)); None for a list of restrictions."""
    first = text.split(None, 1)[0].upper() if text.strip() else "DUNNO"
    if first in ("OK", "RELAY") or re.fullmatch(r"\d+", text.strip()):
        return "ok"
    if first == "REJECT" or re.match(r"5\d\d[ \t]", text) or first in ("HANGUP", "DISCARD"):
        return "refuse"
    if first in ("DEFER", "DEFER_IF_PERMIT") or re.match(r"4\d\d[ \t]", text):
        return "defer"
    if first in (
        *("DUNNO", "INFO", "WARN", "FILTER", "HOLD", "REDIRECT", "BCC", "PREPEND"),
        "DEFER_IF_REJECT",
    ):
        return "dunno"
    return None
