"""The upgrade note of CHANGELOG.md, and the command that compares a preview with the note.

`python -m tests.support.upgrade_note <PREVIEW` reads `pulumi preview --json` over hosts of the
former version; tests/long/former-hosts makes such hosts.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable

from tests.support.stacks import ROOT

_NOTE = re.compile(r"^### Upgrade from ([0-9a-f]{7})\n(.*?)^###? ", re.MULTILINE | re.DOTALL)
_PARTS = {"create": "New", "update": "Changed", "delete": "Removed"}

Parts = dict[str, set[str]]


def noted() -> tuple[str, Parts]:
    """The former version's commit, and the names of resources by "New", "Changed", "Removed".

    Raises LookupError when CHANGELOG.md has no note.
    """
    found = _NOTE.search((ROOT / "CHANGELOG.md").read_text())
    if not found:
        raise LookupError("CHANGELOG.md has no section `### Upgrade from COMMIT`")
    rows = re.findall(r"^- (New|Changed|Removed): (.*(?:\n  .*)*)", found[2], re.M)
    return found[1], {part: {*re.findall(r"`([^`]+)`", text)} for part, text in rows}


def without_hosts(names: Iterable[str]) -> set[str]:
    """Names of resources without the host before each."""
    return {re.sub(r"^mx\d-", "", name) for name in names}


def main() -> int:
    """Compare, print, and return 1 where preview and note are different."""
    shown: Parts = {part: set() for part in _PARTS.values()}
    for step in json.load(sys.stdin)["steps"]:
        if step["op"] != "same":
            part = _PARTS.get(step["op"], step["op"])
            shown.setdefault(part, set()).update(without_hosts([step["urn"].split("::")[-1]]))
    commit, note = noted()
    for part in sorted(shown.keys() | note.keys()):
        more, less = shown.get(part, set()), note.get(part, set())
        print(f"{part}: {', '.join(sorted(more)) or 'nothing'}")
        if more != less:
            print(f"  the note says: {', '.join(sorted(less)) or 'nothing'}")
    print(
        f"upgrade from {commit}: the preview is {'' if shown == note else 'not '}what the note says"
    )
    return int(shown != note)


if __name__ == "__main__":
    sys.exit(main())
