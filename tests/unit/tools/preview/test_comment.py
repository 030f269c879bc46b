"""Comments in a forge, against a double of its REST API with pages of two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flask
import httpx
import pytest

from tools.preview import comment
from tools.preview.comment import Place, Refused, change_of, client, publish, reviewed

BOT = "github-actions[bot]"
REPORT = "<!-- mx preview: lab -->\n\n## lab: no changes\n"
PATHS = {
    "github": ("/repos/o/r/issues/7/comments", "/repos/o/r/issues/comments/<int:number>"),
    "forgejo": ("/repos/o/r/issues/7/comments", "/repos/o/r/issues/comments/<int:number>"),
    "gitlab": (
        "/projects/o/r/merge_requests/7/notes",
        "/projects/o/r/merge_requests/7/notes/<int:number>",
    ),
}

BROUGHT = {
    "github": "/repos/o/r/commits/abc/pulls",
    "forgejo": "/repos/o/r/commits/abc/pull",
    "gitlab": "/projects/o/r/repository/commits/abc/merge_requests",
}
PLAN = "0123456789abcdef" * 2


class Forge:
    """Comments in order; refuses a wrong token, serves two a page with Link headers."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.comments: dict[int, dict[str, Any]] = {}
        self.elsewhere = False
        app = flask.Flask("forge")
        many, one = PATHS[kind]
        app.add_url_rule(many, "many", self.many, methods=["GET", "POST"])
        app.add_url_rule(one, "one", self.one, methods=["PATCH", "PUT", "DELETE"])
        app.add_url_rule(BROUGHT[kind], "change", self.change)
        transport = httpx.WSGITransport(app=app)
        self.http = client(kind, "http://forge.test", "token-1", transport)

    def add(self, body: str, who: str = BOT) -> int:
        number = len(self.comments) + 100
        self.comments[number] = {
            "id": number,
            "body": body,
            "user": {"login": who},
            "author": {"username": who},
        }
        return number

    def _allowed(self) -> None:
        header = "PRIVATE-TOKEN" if self.kind == "gitlab" else "Authorization"
        if not flask.request.headers.get(header, "").endswith("token-1"):
            flask.abort(401)

    def many(self) -> Any:
        self._allowed()
        if flask.request.method == "POST":
            return self.comments[self.add(flask.request.get_json()["body"])], 201
        page = int(flask.request.args.get("page", "1"))
        answer = flask.jsonify(list(self.comments.values())[2 * page - 2 : 2 * page])
        if 2 * page < len(self.comments):
            host = "http://evil.test" if self.elsewhere else "http://forge.test"
            url = f"{host}{flask.request.path}?page={page + 1}"
            answer.headers["Link"] = f'<{url}>; rel="next"'
        return answer

    def one(self, number: int) -> Any:
        self._allowed()
        if flask.request.method == "DELETE":
            del self.comments[number]
            return "", 204
        assert flask.request.method == ("PUT" if self.kind == "gitlab" else "PATCH")
        self.comments[number]["body"] = flask.request.get_json()["body"]
        return self.comments[number]

    def change(self, **_: str) -> Any:
        self._allowed()
        if self.kind == "forgejo":
            return {"number": 7}
        return flask.jsonify([{"iid" if self.kind == "gitlab" else "number": 7}])

    def publish(self, text: str = REPORT) -> str:
        return publish(self.http, Place(self.kind, "o/r", 7), BOT, text)

    def bodies(self) -> list[str]:
        return [comment["body"] for comment in self.comments.values()]


@pytest.mark.parametrize("kind", sorted(PATHS))
def test_one_comment_a_stack_is_posted_and_then_replaced(kind: str) -> None:
    forge = Forge(kind)
    assert forge.publish() == "posted"
    other = REPORT.replace("lab", "staging")
    assert forge.publish(other) == "posted"
    assert forge.publish(REPORT + "again\n") == "replaced"
    assert forge.bodies() == [REPORT + "again\n", other]


def test_comment_on_a_later_page_is_found() -> None:
    forge = Forge("github")
    for number in range(7):
        forge.add(f"talk {number}", "alice")
    forge.add(REPORT)
    assert forge.publish(REPORT + "new\n") == "replaced"
    assert len(forge.comments) == 8


def test_second_comment_of_a_concurrent_run_goes() -> None:
    forge = Forge("github")
    forge.add(REPORT + "one\n")
    forge.add(REPORT + "two\n")
    assert forge.publish() == "replaced"
    assert forge.bodies() == [REPORT]


def test_comment_of_somebody_else_is_left_alone() -> None:
    forge = Forge("github")
    forge.add(REPORT + "not yours\n", "mallory")
    assert forge.publish() == "posted"
    assert forge.bodies() == [REPORT + "not yours\n", REPORT]


def test_token_goes_to_no_other_host_and_refusals_are_told() -> None:
    forge = Forge("github")
    for number in range(3):
        forge.add(f"talk {number}", "alice")
    forge.elsewhere = True
    with pytest.raises(Refused, match=r"another host: evil\.test"):
        forge.publish()
    forge = Forge("github")
    forge.http.headers["Authorization"] = "token wrong"
    with pytest.raises(Refused, match="GET /repos/o/r/issues/7/comments: 401"):
        forge.publish()


@pytest.mark.parametrize("kind", sorted(PATHS))
def test_plan_of_the_report_that_the_change_of_a_commit_showed(kind: str) -> None:
    forge = Forge(kind)
    forge.add(f"<!-- mx preview: lab -->\n\nPlan `{'f' * 32}`\n", "mallory")
    forge.add(REPORT.replace("lab", "other") + f"Plan `{'e' * 32}`\n")
    forge.add(f"{REPORT}\r\nPlan `{PLAN}`\r\n")
    number = change_of(forge.http, kind, "o/r", "abc")
    assert reviewed(forge.http, Place(kind, "o/r", number), BOT, "lab") == PLAN


def test_plan_of_a_report_that_nobody_posted() -> None:
    forge = Forge("github")
    forge.add(f"{REPORT}\nPlan `{PLAN}`\n", "mallory")
    with pytest.raises(Refused, match="there is no report of lab by"):
        reviewed(forge.http, Place("github", "o/r", 7), BOT, "lab")


def test_failed_preview_has_no_plan() -> None:
    forge = Forge("github")
    forge.add(REPORT)
    with pytest.raises(Refused, match="that preview failed"):
        reviewed(forge.http, Place("github", "o/r", 7), BOT, "lab")


@pytest.mark.parametrize("text", ["", "mx: Another run of the engine holds the lock\n"])
def test_what_is_no_report_is_not_posted_and_touches_nothing(
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = tmp_path / "report.md"
    report.write_text(text)
    monkeypatch.setenv("MX_FORGE_TOKEN", "token")
    monkeypatch.setattr(comment, "client", None)
    place = ["--forge", "github", "--api", "https://forge.test", "--repository", "a/b"]
    call = [str(report), *place, "--author", "bot", "--issue", "Drift of production", "--nothing"]
    assert comment.main(call) == 1
    assert "nothing was posted" in capsys.readouterr().err
