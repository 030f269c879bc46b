"""Risks of the spam filter: mail that fails DMARC, and Rspamd from another repository."""

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
_WHOSE = {"ours": "one of the stack's own domains", "others": "any other domain"}
_DOES = {
    "mark": "marks with `X-Spam: Yes`",
    "reject": "refuses",
    "score": "only gives a higher spam score to",
}
_DID = {
    "mark": "marked with `X-Spam: Yes`",
    "reject": "refused",
    "score": "only gave a higher spam score to",
}


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
                    f"the spam filter now {_DOES[does]} mail that fails the DMARC policy "
                    f"(quarantine or reject) of {_WHOSE[whose]}. Before, the filter "
                    f"{_DID[before]} such mail. This concerns services and mailing lists that "
                    "send mail from such a domain and pass neither its SPF nor its DKIM. The "
                    "setting spamFilter.dmarc decides this, and can list exceptions.",
                    change.host,
                )


_SOURCES = "/etc/apt/sources.list.d/mx-spam-filter.sources"
_URI = re.compile(r"\+?URIs: (\S+)")


def _source(change: Change) -> Iterable[Said]:
    if change.component != "spam-filter-source":
        return
    if change.op == "delete":
        yield Said(
            "Rspamd stays as it was installed from the repository of spamFilter.source, and the "
            "host gets no updates of it until Debian has a newer version. docs/operating.md "
            "(Rspamd from another repository) has the command that installs Debian's version.",
            change.host,
        )
        return
    for file in change.files if change.op == "create" else ():
        found = [match[1] for line in file.lines if (match := _URI.fullmatch(line))]
        if file.path == _SOURCES and found:
            yield Said(
                f"Rspamd comes from {found[0]} from now on, if its version there is newer. "
                "Whoever has the key of that repository can run programs as root on the host, "
                "and mail is put off for the seconds in which Rspamd restarts.",
                change.host,
            )


KINDS: tuple[Kind, ...] = (
    of_changes("mail that fails DMARC is treated otherwise", _dmarc),
    of_changes("Rspamd comes from another repository", _source),
)
