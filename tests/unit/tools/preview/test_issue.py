"""One issue for what drifted, against a double of the forges' REST APIs."""

from __future__ import annotations

from typing import Any

import flask
import httpx
import pytest

from tools.preview.comment import Refused, client
from tools.preview.issue import Issues, publish

BOT = "github-actions[bot]"
REPORT = "<!-- mx preview: production -->\n\n## production: changes\n"
FORGES = ("github", "forgejo", "gitlab")


class Forge:
    """Issues by number; of GitLab they have other names for the same."""

    def __init__(self, kind: str) -> None:
        self.gitlab = kind == "gitlab"
        self.issues: dict[int, dict[str, Any]] = {}
        app = flask.Flask("forge")
        path = "/projects/o/r/issues" if self.gitlab else "/repos/o/r/issues"
        app.add_url_rule(path, "many", self.many, methods=["GET", "POST"])
        app.add_url_rule(f"{path}/<int:number>", "one", self.one, methods=["PATCH", "PUT"])
        self.http = client(kind, "http://forge.test", "token-1", httpx.WSGITransport(app=app))
        self.where = Issues(kind, "o/r")

    def add(self, body: str, who: str = BOT, title: str = "", **more: Any) -> int:
        number = len(self.issues) + 1
        text = "description" if self.gitlab else "body"
        self.issues[number] = {
            "iid" if self.gitlab else "number": number,
            "id": number + 1000,
            text: body,
            "title": title,
            "open": True,
            "author" if self.gitlab else "user": {
                "username" if self.gitlab else "login": who,
            },
            **more,
        }
        return number

    def text(self, number: int) -> str:
        return str(self.issues[number]["description" if self.gitlab else "body"])

    def many(self) -> Any:
        if flask.request.method == "POST":
            given = flask.request.get_json()
            body = given["description" if self.gitlab else "body"]
            return self.issues[self.add(body, title=given["title"])], 201
        assert flask.request.args["state"] == ("opened" if self.gitlab else "open")
        return flask.jsonify([each for each in self.issues.values() if each["open"]])

    def one(self, number: int) -> Any:
        given = flask.request.get_json()
        if given in ({"state": "closed"}, {"state_event": "close"}):
            self.issues[number]["open"] = False
        else:
            self.issues[number] |= given
        return self.issues[number]

    def publish(self, text: str = REPORT, differs: bool = True) -> str:
        return publish(self.http, self.where, BOT, "Drift of production", text, differs)


@pytest.fixture(params=FORGES)
def forge(request: pytest.FixtureRequest) -> Forge:
    return Forge(request.param)


def test_the_first_drift_opens_an_issue_the_next_one_rewrites_it(forge: Forge) -> None:
    assert forge.publish() == "opened"
    assert forge.issues[1]["title"] == "Drift of production"
    assert forge.publish(REPORT + "more\n") == "rewritten"
    assert list(forge.issues) == [1]
    assert forge.text(1) == REPORT + "more\n"


def test_it_is_closed_when_nothing_differs_and_opened_anew_by_the_next_drift(forge: Forge) -> None:
    forge.publish()
    assert forge.publish(differs=False) == "closed"
    assert not forge.issues[1]["open"]
    assert forge.publish(differs=False) == "nothing to say"
    assert forge.publish() == "opened"
    assert list(forge.issues) == [1, 2]


def test_issues_of_others_and_of_other_stacks_are_not_touched(forge: Forge) -> None:
    forge.add(REPORT, who="eve")
    forge.add("<!-- mx preview: staging -->\n")
    before = {number: dict(issue) for number, issue in forge.issues.items()}
    forge.publish(differs=False)
    assert forge.issues == before


def test_of_two_that_ran_at_once_one_stays_open(forge: Forge) -> None:
    forge.add(REPORT)
    forge.add(REPORT)
    assert forge.publish() == "rewritten"
    assert [issue["open"] for issue in forge.issues.values()] == [True, False]


def test_a_pull_request_is_no_issue() -> None:
    forge = Forge("github")
    forge.add(REPORT, pull_request={"url": "x"})
    assert forge.publish() == "opened"


def test_a_forge_that_refuses_is_told() -> None:
    forge = Forge("github")
    with pytest.raises(Refused, match="404"):
        publish(forge.http, Issues("github", "o/none"), BOT, "t", REPORT, True)
