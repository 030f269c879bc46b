"""Posts a report as a comment of a change in a forge: one for each stack, replaced each time.

With --plan it prints the plan of the report that was posted, for `mx up --plan` after the merge.

`python -m tools.preview.comment`, see scripts/comment. APIs: docs.github.com "Issue comments",
docs.gitlab.com "Notes API", Forgejo's /api/swagger "issue". The token comes from MX_FORGE_TOKEN.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tools.arguments import Parser
from tools.preview.digest import LENGTH
from tools.preview.markdown import MARKER

_TIMEOUT_SECONDS = 30
_PLAN = re.compile(rf"^Plan `([0-9a-f]{{{LENGTH}}})`$", re.MULTILINE)


class Refused(Exception):
    """The forge said no, or sent what is no list of comments."""


@dataclass(frozen=True)
class Place:
    """Where comments of one change are: their list, and one of them."""

    forge: str
    repository: str
    number: int

    @property
    def list(self) -> str:
        """Path of all comments."""
        if self.forge == "gitlab":
            project = quote(self.repository, safe="")
            return f"projects/{project}/merge_requests/{self.number}/notes"
        return f"repos/{self.repository}/issues/{self.number}/comments"

    def one(self, number: int) -> str:
        """Path of one comment."""
        if self.forge == "gitlab":
            return f"{self.list}/{number}"
        return f"repos/{self.repository}/issues/comments/{number}"


def client(forge: str, api: str, token: str, transport: Any = None) -> httpx.Client:
    """A client of a forge's REST API at `api`; it follows no redirects, so the token stays."""
    headers = {"PRIVATE-TOKEN": token} if forge == "gitlab" else {"Authorization": f"token {token}"}
    return httpx.Client(
        base_url=api.rstrip("/") + "/",
        headers=headers,
        timeout=_TIMEOUT_SECONDS,
        transport=transport,
    )


def publish(http: httpx.Client, place: Place, author: str, text: str) -> str:
    """Replace the comment that begins with the report's first line, or post one.

    Of several (two runs at once), the first is replaced and the others are deleted. Comments of
    others than `author` are never touched. Raises Refused, httpx.HTTPError.
    """
    marker = text.partition("\n")[0]
    known = _ours(http, place, author, marker)
    done = "replaced" if known else "posted"
    if known:
        edit = http.put if place.forge == "gitlab" else http.patch
        checked(edit(place.one(known[0]), json={"body": text}))
    else:
        checked(http.post(place.list, json={"body": text}))
        known = _ours(http, place, author, marker)
    for number in known[1:]:
        checked(http.delete(place.one(number)), gone=True)
    return done


def reviewed(http: httpx.Client, place: Place, author: str, stack: str) -> str:
    """The plan of the report that was posted for a stack. Raises Refused, httpx.HTTPError."""
    marker = MARKER.format(stack=stack)
    for comment in pages(http, place.list, {"per_page": "100", "limit": "50"}):
        body = str(comment.get("body", "")).replace("\r\n", "\n")
        if _author(comment) == author and body.startswith(marker):
            found = _PLAN.search(body)
            if found:
                return found[1]
            raise Refused(f"the report of {stack} has no plan: that preview failed")
    raise Refused(f"{place.list}: there is no report of {stack} by {author}")


def change_of(http: httpx.Client, forge: str, repository: str, commit: str) -> int:
    """The number of the pull or merge request that brought a commit. Raises Refused."""
    if forge == "gitlab":
        project = quote(repository, safe="")
        answer = http.get(f"projects/{project}/repository/commits/{commit}/merge_requests")
    elif forge == "github":
        answer = http.get(f"repos/{repository}/commits/{commit}/pulls")
    else:
        answer = http.get(f"repos/{repository}/commits/{commit}/pull")
    found = checked(answer).json()
    changes = found if isinstance(found, list) else [found]
    key = "iid" if forge == "gitlab" else "number"
    if not changes:
        raise Refused(f"no change brought the commit {commit}, so nobody reviewed a plan")
    return int(changes[0][key])


def _author(comment: Mapping[str, Any]) -> str | None:
    name = comment.get("author", {}).get("username") or comment.get("user", {}).get("login")
    return None if name is None else str(name)


def _ours(http: httpx.Client, place: Place, author: str, marker: str) -> list[int]:
    numbers = []
    for comment in pages(http, place.list, {"per_page": "100", "limit": "50"}):
        if _author(comment) == author and str(comment.get("body", "")).startswith(marker):
            numbers.append(int(comment["id"]))
    return sorted(numbers)


def pages(http: httpx.Client, path: str, params: dict[str, str]) -> Iterator[dict[str, Any]]:
    """What a list has, page by page (RFC 8288 Link headers, which all three forges send).

    Raises Refused, httpx.HTTPError.
    """
    answer = checked(http.get(path, params=params))
    while True:
        page = answer.json()
        if not isinstance(page, list):
            raise Refused(f"{path}: not a list")
        yield from page
        following = answer.links.get("next", {}).get("url")
        if not following:
            return
        if httpx.URL(following).host != http.base_url.host:
            raise Refused(f"the next page is on another host: {httpx.URL(following).host}")
        answer = checked(http.get(following))


def checked(answer: httpx.Response, gone: bool = False) -> httpx.Response:
    """The answer of a forge. Raises Refused; `gone`: nothing to delete is as good."""
    if not answer.is_success and not (gone and answer.status_code == 404):
        request = answer.request
        raise Refused(f"{request.method} {request.url.path}: {answer.status_code} {answer.text}")
    return answer


def main(arguments: list[str] | None = None) -> int:
    """Post the report in a file, or print a plan; 0 done, 1 the forge refused, 64 wrong usage."""
    parser = Parser(prog="scripts/comment")
    parser.add_argument("report", type=Path, nargs="?", help="what scripts/preview wrote")
    parser.add_argument("--plan", metavar="STACK", help="print the plan of this stack's report")
    parser.add_argument("--forge", required=True, choices=("github", "gitlab", "forgejo"))
    parser.add_argument(
        "--api", required=True, help="https://api.github.com, .../api/v4, .../api/v1"
    )
    parser.add_argument("--repository", required=True, help="owner/name")
    parser.add_argument("--number", type=int, help="of the pull or merge request")
    parser.add_argument("--commit", help="which the pull or merge request brought")
    parser.add_argument("--issue", metavar="TITLE", help="keep an issue instead of a comment")
    parser.add_argument("--nothing", action="store_true", help="with --issue: close it")
    parser.add_argument("--author", required=True, help="login of the token's user")
    options = parser.parse_args(arguments)
    token = os.environ.get("MX_FORGE_TOKEN", "")
    if not token:
        parser.error("the variable MX_FORGE_TOKEN, the token of the forge, is not set")
    if (options.report is None) == (options.plan is None):
        parser.error("give a report, or --plan STACK")
    if sum(each is not None for each in (options.number, options.commit, options.issue)) != 1:
        parser.error("give one of --number, --commit and --issue")
    text = "" if options.report is None else _text(options.report)
    if text is None:
        return 1
    try:
        with client(options.forge, options.api, token) as http:
            print(_done(http, options, text))
    except (Refused, httpx.HTTPError) as error:
        print(f"comment: {options.api}: {error}", file=sys.stderr)
        return 1
    return 0


def _done(http: httpx.Client, options: argparse.Namespace, text: str) -> str:
    """Do what the command line asks for; what is to be printed. Raises Refused, httpx.HTTPError."""
    if options.issue is not None:
        # Imported here, since that module uses this one's client.
        from tools.preview import issue

        all_ = issue.Issues(options.forge, options.repository)
        differs = not options.nothing
        return issue.publish(http, all_, options.author, options.issue, text, differs)
    number = options.number
    if number is None:
        number = change_of(http, options.forge, options.repository, options.commit)
    place = Place(options.forge, options.repository, number)
    if options.plan is not None:
        return reviewed(http, place, options.author, options.plan)
    return publish(http, place, options.author, text)


def _text(report: Path) -> str | None:
    """The report; None, and the reason on stderr, when it cannot be read or is none.

    The first line of a report is what finds the comments and issues of its stack.
    """
    try:
        text = report.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        print(f"comment: {report}: {reason}; give what `mx preview` wrote", file=sys.stderr)
        return None
    if not text.startswith(MARKER.partition("{")[0]):
        what = "does not begin as a report does" if text else "is empty"
        print(
            f"comment: {report}: this file {what}, and nothing was posted; see what `mx preview` "
            "or `mx drift` said",
            file=sys.stderr,
        )
        return None
    return text


if __name__ == "__main__":
    sys.exit(main())
