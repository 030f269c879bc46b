"""What somebody edited in a host's Postfix is judged before `up` restores the files."""

from __future__ import annotations

import difflib
from typing import Any

import pulumi
import pytest

from components.host.seen import Seen
from components.settings.stack_file import settings_of
from components.stack.edited import patched, warn_of_edited
from components.stack.judged import rendered

MAIN, MASTER = "/etc/postfix/main.cf", "/etc/postfix/master.cf"
OURS = settings_of("production")


def diff(old: str, new: str) -> list[str]:
    return list(difflib.unified_diff(old.split("\n"), new.split("\n"), n=2, lineterm=""))[2:]


def told(monkeypatch: pytest.MonkeyPatch, **drift: Any) -> list[str]:
    """The warnings when mx1 has these entries of drift in its bundle postfix."""
    found: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", found.append)
    bundles = {"postfix": {"drift": list(drift.values())}}
    warn_of_edited(OURS, {"mx1": Seen(True, {"bundles": bundles}), "mx2": Seen()})
    return found


def edited(path: str, end: str) -> dict[str, Any]:
    text = rendered(OURS, "mx1")[path]
    return {"path": path, "what": "content changed", "diff": diff(text, text + end)}


def test_an_open_relay_made_by_hand_is_told_with_its_host_and_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = edited(MAIN, "mynetworks = 0.0.0.0/0\n")
    found = told(monkeypatch, a=entry)
    assert found[0].startswith(f"edited Postfix of mx1: mynetworks in {MAIN}: ")
    assert "open relay" in found[0]
    # Two components have the same file.
    assert told(monkeypatch, a=entry, b=entry) == found


@pytest.mark.parametrize(
    "entry",
    [
        edited(MAIN, "message_size_limit = 20000000\n"),
        {"path": MAIN, "what": "mode 0666, not 0644"},
        {"path": MAIN, "what": "content changed", "diff": "no list"},
        {"path": "/etc/redis/redis.conf", "what": "content changed", "diff": ["@@", "+x"]},
        {"unit": "postfix.service", "what": "not active"},
    ],
)
def test_an_edit_without_danger_is_not_told(
    monkeypatch: pytest.MonkeyPatch, entry: dict[str, Any]
) -> None:
    assert told(monkeypatch, a=entry) == []


def test_a_diff_that_was_cut_or_does_not_fit_changes_nothing() -> None:
    assert patched("a\nb\n", ["@@ -1 +1 @@", " x", "+c", "[... 7 more lines]"]) == "a\nb\n"
    assert patched("a\nb\n", ["-a file", "+a symbolic link to /etc/shadow"]) == "a\nb\n"
    assert patched("a\nb\n", ["@@ -1 +1 @@", " a", "-b", "+c"]) == "a\nc\n"
