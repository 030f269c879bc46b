"""Zones whose API is silent, or whose tokens are those of another account, under the real engine.

A silent API must not keep a stack from repairing its hosts. But a zone that nobody could compare
may be another one, so no run may write there.
"""

from __future__ import annotations

import http.server
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.serving import running

from .test_zones import (
    BLIND,
    CHILD,
    FIRST,
    FULL,
    NAMES,
    READS,
    RECORDS,
    SECOND,
    SWAPPED,
    Live,
    live,
    settings,
    unread,
    zones,
)

__all__ = ["live"]

pytestmark = pytest.mark.engine

Change = Callable[[dict[str, Any]], None]
CLOSED = "http://127.0.0.1:9/client/v4"
SECRET = "mx:cloudflareTokens"


@contextmanager
def counted(live: Live) -> Iterator[list[str]]:
    """The IDs of zones that somebody wrote to meanwhile, one for each write that succeeded."""
    written: list[str] = []
    change = live.api.change

    def counting(number: str, work: Any) -> Any:
        result = change(number, work)
        written.append(number)
        return result

    live.api.change = counting  # type: ignore[method-assign]
    try:
        yield written
    finally:
        live.api.change = change  # type: ignore[method-assign]


@contextmanager
def portal() -> Iterator[str]:
    """A server that answers everything with a page, as networks with a login do; its URL."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>Please log in</html>")

        do_PATCH = do_POST = do_DELETE = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    with running(server):
        yield f"http://127.0.0.1:{server.server_port}/client/v4"


def write(live: Live, url: str, change: Change, **secrets: str) -> None:
    """The stack file with the API elsewhere, and with tokens of further accounts."""
    mail = settings()
    change(mail)
    config: dict[str, Any] = {"cloudflare:baseUrl": url, "mx:mail": mail}
    (live.project.folder / "stacks" / "Pulumi.live.yaml").write_text(json.dumps({"config": config}))
    for account, token in secrets.items():
        arguments = ("config", "set", "--stack", "live", "--secret", "--path")
        done = live.project.run(*arguments, f"{SECRET}.{account}", token)
        assert done.returncode == 0, done.stderr


def test_silent_api_does_not_keep_known_zones_from_being_planned(live: Live) -> None:
    live.program(RECORDS)
    with portal() as page, counted(live) as written:
        for url in (CLOSED, page):
            write(live, url, lambda mail: None)
            code, output = live.run("preview")
            plain = " ".join(output.split())
            assert code == 0, output
            assert "the API of the zones did not answer" in plain
            assert "the preview assumes that the records are as in the state" in plain
    assert written == []


# What is wrong while the API is silent, and the YAML path of the zone that is refused.
UNKNOWN: dict[str, tuple[Change, str]] = {
    "the zone is new": (zones(child=CHILD), "sub.example.test"),
    "two IDs are interchanged": (SWAPPED, "example.test"),
    "one digit is wrong and drift is not read": (
        unread(zones(second=SECOND[:-1] + "c")),
        "second.test",
    ),
}


@pytest.mark.parametrize("state", UNKNOWN)
def test_silent_api_and_not_one_record_goes_or_comes_when(live: Live, state: str) -> None:
    change, zone = UNKNOWN[state]
    live.program()

    def used(mail: dict[str, Any]) -> None:
        change(mail)
        if zone == "sub.example.test":
            mail["domains"][zone] = {"mailboxHost": "mailbox1", "recipients": []}

    write(live, CLOSED, used)
    before = live.records()
    with counted(live) as written:
        code, output = live.run("up")
    plain = " ".join(output.split())
    assert code != 0
    assert f"mx:mail.dns.zones.{zone}: the API of the zones did not answer" in plain, output
    assert "the state has no record in the zone" in plain
    assert "Nothing was changed:" in plain
    assert "Traceback" not in output
    assert written == []
    assert live.records() == before


def account(mail: dict[str, Any]) -> None:
    """The second zone is in another account, which has a token of its own."""
    mail["dns"]["accounts"] = {"other": ["second.test"]}


def both(*changes: Change) -> Change:
    def every(mail: dict[str, Any]) -> None:
        for change in changes:
            change(mail)

    return every


# The settings, the token of the first account, that of the other one, and words of the refusal.
FOREIGN: dict[str, tuple[Change, str, str, str]] = {
    "the other account's token has no permission": (
        account,
        FULL,
        BLIND,
        "dns.zones.second.test: the API refuses the token",
    ),
    "the other account's token only knows the zones": (
        account,
        FULL,
        NAMES,
        "dns.zones.second.test: the token may not read the zone's records",
    ),
    "the other account's token only reads": (
        account,
        FULL,
        READS,
        "dns.zones.second.test: the token may read the zone's records and not change them",
    ),
    "the tokens of two accounts are interchanged": (
        account,
        READS,
        FULL,
        "dns.zones.example.test: the token may read the zone's records and not change them",
    ),
    "the other account's zone has the ID of ours": (
        both(account, zones(second=CHILD)),
        FULL,
        FULL,
        f"dns.zones.second.test: {CHILD} is the ID of the zone sub.example.test",
    ),
}


@pytest.mark.parametrize("state", FOREIGN)
def test_another_account_and_not_one_record_goes_or_comes_when(live: Live, state: str) -> None:
    change, token, other, words = FOREIGN[state]
    live.program()
    write(live, live.url, change, other=other)
    before = live.records()
    assert {number: len(rows) for number, rows in before.items()} == {FIRST: 8, SECOND: 3, CHILD: 0}
    with counted(live) as written:
        code, output = live.run("up", token)
    plain = " ".join(output.split())
    assert code != 0
    assert words in plain, output
    assert "Nothing was changed:" in plain
    assert "Traceback" not in output
    assert other not in output
    assert written == []
    assert live.records() == before
