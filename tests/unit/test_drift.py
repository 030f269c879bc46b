"""What hosts answer to the read of drift, and what the agent tells of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.agent.mx_agent import Failure
from components.host.ask import parse
from components.host.drift import judge
from components.host.seen import Seen

from .test_agent import Host, Staged, agent, file, host, mail, manifest, root

__all__ = ["agent", "host", "root"]

MACHINE = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
FIRST = 0x0A1B2C3D % 1_000_000_000 + 1


def status(drift: list[dict[str, Any]], heal: int = 3) -> str:
    bundles = {"postfix": {"sha": "a", "applied": "t", "heal": heal, "drift": drift}}
    return json.dumps({"version": "1", "heal": 7, "bundles": bundles}, indent=1)


def test_answer_of_all_hosts_is_taken_apart() -> None:
    text = "host mx1 0\nout\tid\nout\t{\nout\t}\nhost mx2 255\nerr\tssh: no\nerr\t\thost 1 2\n"
    assert parse(text) == {"mx1": (0, "id\n{\n}", ""), "mx2": (255, "", "ssh: no\n\thost 1 2")}


def test_without_drift_the_call_has_the_number_of_the_host() -> None:
    seen, warnings = judge("mx1", 0, f"{MACHINE}\n\n{status([])}", "")
    assert (seen.argument("postfix"), seen.ignored, warnings) == (" --heal 3", [], [])
    assert seen.line() == "heal=7\n"
    assert judge("mx1", 0, f"{MACHINE}\n\n{status([], 0)}", "")[0].argument("postfix") == ""


def test_drift_is_another_number_and_a_warning_that_says_why() -> None:
    item = {"path": "/etc/x", "what": "content changed", "diff": ["@@ -1 +1 @@", "-a", "+b"]}
    drift: list[dict[str, Any]] = [item, {"unit": "postfix.service", "what": "masked"}]
    seen, warnings = judge("mx1", 0, f"{MACHINE}\n\n{status(drift)}", "")
    assert seen.argument("postfix") == " --heal 4"
    assert warnings == [
        "drift: mx1: postfix: /etc/x: content changed\n@@ -1 +1 @@\n-a\n+b\npostfix.service: masked"
    ]


def test_a_bundle_removed_on_the_host_has_another_number_than_a_new_hosts() -> None:
    bare, warnings = judge("mx1", 127, MACHINE, "")
    assert (bare.argument("postfix"), bare.line(), warnings) == (
        f" --heal {FIRST}",
        f"heal={FIRST}\n",
        [],
    )
    known, _ = judge("mx1", 0, f"{MACHINE}\n\n{status([])}", "")
    assert known.argument("rspamd") == f" --heal {FIRST + 1}"


def test_notes_of_renewals_come_before_the_status_and_broken_ones_are_told() -> None:
    note = {"a_rsa": {"error": "why", "failingSince": "t", "lastAttempt": "u"}}
    seen, warnings = judge("mx1", 0, f"{MACHINE}\n{json.dumps(note)}\n{status([])}", "")
    assert (seen.renewals, seen.number("postfix"), warnings) == (note, 3, [])
    seen, [warning] = judge("mx1", 0, f'{MACHINE}\n{{"a_rs\n{status([])}', "")
    assert (seen.renewals, seen.number("postfix")) == ({}, 3)
    assert warning.startswith("renewals of mx1 were not read: /var/lib/mx/certificates/status.json")


@pytest.mark.parametrize("code", [255, 1])
def test_host_that_does_not_answer_changes_nothing_and_is_told(code: int) -> None:
    seen, warnings = judge("mx1", code, "", "ssh: connect to host mx1: timed out\n")
    assert warnings == ["drift of mx1 was not read: ssh: connect to host mx1: timed out"]
    assert (seen.argument("postfix"), seen.line(), seen.ignored) == ("", "", ["create"])
    assert Seen() == seen


def test_agent_keeps_the_number_even_when_there_is_nothing_to_do(agent: Staged) -> None:
    agent.apply(mail(agent))
    assert agent.status()["bundles"]["one"]["heal"] == 0
    agent.apply(mail(agent), heal=5)
    assert agent.status()["bundles"]["one"]["heal"] == 5
    agent.apply(mail(agent, "new\n"), heal=6)
    assert agent.status()["bundles"]["one"]["heal"] == 6


def test_status_has_the_diff_but_of_no_secret(agent: Staged, root: Path) -> None:
    agent.apply(manifest(files={"/etc/app/plain": file("a\nb\n")}))
    secret = {"/etc/app/secret": file("hunter22\n", "0600", secret=True)}
    agent.apply(manifest("two", files=secret))
    (root / "etc/app/plain").write_text("a\nc\n")
    (root / "etc/app/secret").write_text("hunter33\n")
    told = [item for one in agent.status()["bundles"].values() for item in one["drift"]]
    assert [item.get("diff") for item in told] == [["@@ -1,2 +1,2 @@", " a", "-b", "+c"], None]
    with pytest.raises(Failure, match="no former state"):
        agent.rollback("two")
    assert "hunter" not in json.dumps(told)


def test_edited_piece_is_told_once_and_an_edit_of_the_whole_is_told(
    agent: Staged, root: Path
) -> None:
    agent.apply(mail(agent))
    piece, whole = root / "etc/postfix/main.cf.d/20-b.cf", root / "etc/postfix/main.cf"
    piece.write_text("x\n")
    assert [item["path"] for item in agent.status()["bundles"]["one"]["drift"]] == [
        "/etc/postfix/main.cf.d/20-b.cf"
    ]
    whole.write_text("a\nb\nby hand\n")
    told = {item["path"]: item["diff"] for item in agent.status()["bundles"]["one"]["drift"]}
    assert told["/etc/postfix/main.cf"][-1] == "+by hand"


def test_masked_unit_is_drift_and_is_unmasked(agent: Staged, host: Host) -> None:
    agent.apply(mail(agent))
    [unit] = agent.records()["one"]["units"]
    host.write({unit: {**host.read()[unit], "masked": True}})
    assert {"unit": unit, "what": "masked"} in agent.status()["bundles"]["one"]["drift"]
    agent.apply(mail(agent))
    assert host.did("unmask") == [unit]
    assert agent.status()["bundles"]["one"]["drift"] == []


def test_rollback_goes_back_is_drift_and_goes_forward_again(agent: Staged, root: Path) -> None:
    agent.apply(mail(agent, "old\n"))
    agent.apply(mail(agent, "new\n"), heal=2)
    agent.rollback("one")
    assert (root / "etc/postfix/main.cf").read_text() == "a\nold\n"
    told = agent.status()["bundles"]["one"]
    assert told["heal"] == 2
    assert told["drift"][0]["what"].startswith("rolled back by hand")
    assert told["drift"][1]["diff"] == ["@@ -1 +1 @@", "-new", "+old"]
    agent.apply(mail(agent, "new\n"), heal=3)
    assert (root / "etc/postfix/main.cf").read_text() == "a\nnew\n"
    assert agent.status()["bundles"]["one"]["drift"] == []
    agent.rollback("one")
    agent.rollback("one")
    assert (root / "etc/postfix/main.cf").read_text() == "a\nnew\n"
    assert agent.status()["bundles"]["one"]["drift"] == []
