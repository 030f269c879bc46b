"""Keeps one issue of a forge for what differs: opened, rewritten, and closed when nothing differs.

APIs: docs.github.com "Issues", docs.gitlab.com "Issues API", Forgejo's /api/swagger "issue".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from tools.preview.comment import checked, pages

_MOST = 90


@dataclass(frozen=True)
class Issues:
    """The issues of a repository of a forge."""

    forge: str
    repository: str

    @property
    def list(self) -> str:
        """Path of all of them."""
        if self.forge == "gitlab":
            return f"projects/{quote(self.repository, safe='')}/issues"
        return f"repos/{self.repository}/issues"

    def body(self, issue: dict[str, Any]) -> str:
        """The text of an issue."""
        return str(issue.get("description" if self.forge == "gitlab" else "body") or "")

    def fields(self, text: str, **more: str) -> dict[str, str]:
        """What is sent for an issue with this text."""
        return {"description" if self.forge == "gitlab" else "body": text, **more}

    def closed(self) -> dict[str, str]:
        """What closes an issue."""
        if self.forge == "gitlab":
            return {"state_event": "close"}
        return {"state": "closed"}


def publish(
    http: httpx.Client, issues: Issues, author: str, title: str, text: str, differs: bool
) -> str:
    """Open, rewrite or close the issue of `author` whose text has the same first line.

    Of several that are open, the first stays and the others are closed. Issues of others are never
    touched. Raises Refused, httpx.HTTPError.
    """
    state = "opened" if issues.forge == "gitlab" else "open"
    marker = text.partition("\n")[0]
    known = []
    for issue in pages(http, issues.list, {"state": state, "per_page": str(_MOST)}):
        who = issue.get("author") or issue.get("user") or {}
        ours = author in (who.get("username"), who.get("login"))
        if ours and "pull_request" not in issue and issues.body(issue).startswith(marker):
            known.append(int(issue.get("iid") or issue["number"]))
    known.sort()
    edit = http.put if issues.forge == "gitlab" else http.patch
    keep = known[:1] if differs else []
    for number in known:
        if number not in keep:
            checked(edit(f"{issues.list}/{number}", json=issues.closed()))
    if not differs:
        return "closed" if known else "nothing to say"
    if keep:
        checked(edit(f"{issues.list}/{keep[0]}", json=issues.fields(text)))
        return "rewritten"
    checked(http.post(issues.list, json=issues.fields(text, title=title)))
    return "opened"
