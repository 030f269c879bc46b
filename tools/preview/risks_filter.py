"""Risks of what the spam filter does to mail that fails the DMARC policy of its From."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.preview.model import Change
from tools.preview.risk import Kind, Said, of_changes

_FILES = (
    "/etc/rspamd/lua.local.d/mx_dmarc.lua",
    "/etc/rspamd/local.d/rspamd.lua",  # Debian 12
)
# Lines that rspamd.dmarc() writes (components/services/spam_filter/rspamd.py).
_ACTION = re.compile(r'([+-])\s*(ours|others) = "(\w+)",')
_WHOSE = {"ours": "the stack's own domains", "others": "all other domains"}
_DOES = {"mark": "is marked `X-Spam: Yes`", "reject": "is refused", "score": "is scored only"}


def _dmarc(change: Change) -> Iterable[Said]:
    if change.op in ("create", "delete"):
        return
    for file in change.files:
        found = {"+": dict[str, str](), "-": dict[str, str]()}
        for line in file.lines if file.path in _FILES else ():
            if match := _ACTION.fullmatch(line):
                found[match[1]][match[2]] = match[3]
        for whose, does in found["+"].items():
            before = found["-"].get(whose, "score")
            if does != before:
                yield Said(
                    f"mail that fails the DMARC policy (quarantine or reject) of one of "
                    f"{_WHOSE[whose]} {_DOES[does]}, and {_DOES[before]} until now. Services and "
                    "lists that send in such a name without SPF or DKIM of it are concerned: "
                    "spamFilter.dmarc has exceptions and says what happens.",
                    change.host,
                )


KINDS: tuple[Kind, ...] = (of_changes("mail that fails DMARC is treated otherwise", _dmarc),)
