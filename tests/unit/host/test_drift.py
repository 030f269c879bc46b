"""What hosts answer to the read of drift, and what the agent tells of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.agent.process import Failure
from components.host.ask import parse
from components.host.drift import copies, judge
from components.host.held import Held, commands, digest
from components.host.seen import Seen
from tests.support.agent_host import Host, Staged, file, mail, manifest

MACHINE = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
# What the state of the stack holds of the host: the agent and two bundles, each with a number.
APPLIED = {
    "mx1-agent": Held(7, digest("agent")),
    "mx1-postfix": Held(3, digest("new"), " --heal 3", "postfix"),
    "mx1-redis": Held(0, digest("redis"), "", "redis"),
    "mx1-keys": Held(5, digest("input"), " --heal 4 # machine 5"),
    "mx1-b-postfix": Held(1, digest("other host"), " --heal 1", "postfix"),
}


def status(drift: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    bundles = {
        "postfix": {"given": digest("new"), "applied": "t", "drift": drift or []},
        "redis": {"given": digest("redis"), "applied": "t", "drift": []},
    }
    return {"version": "1", "unfinished": False, "failed": {}, "bundles": bundles, **more}


def answer(told: dict[str, Any], noted: str = "", agent: str = "agent", updates: str = "") -> str:
    return f"{MACHINE}\n{digest(agent)}  /path\n{noted}\n{updates}\n{json.dumps(told, indent=1)}"


def ask(told: dict[str, Any], noted: str = "", agent: str = "agent") -> tuple[Seen, list[str]]:
    return judge("mx1", 0, answer(told, noted, agent), "", APPLIED)


def test_answer_of_all_hosts_is_taken_apart() -> None:
    text = "host mx1 0\nout\tid\nout\t{\nout\t}\nhost mx2 255\nerr\tssh: no\nerr\t\thost 1 2\n"
    assert parse(text) == {"mx1": (0, "id\n{\n}", ""), "mx2": (255, "", "ssh: no\n\thost 1 2")}


def test_without_drift_every_call_is_as_in_the_state() -> None:
    seen, warnings = ask(status())
    assert (seen.behind, seen.ignored, warnings) == (frozenset(), [], [])
    assert seen.argument("mx1-postfix", "postfix") == " --heal 3"
    assert seen.argument("mx1-redis", "redis") == ""
    assert seen.number("mx1-agent", "agent") == 7
    assert seen.comment("mx1-keys", "postfix") == " --heal 4 # machine 5"


def test_drift_is_the_next_number_and_a_warning_that_says_why() -> None:
    item = {"path": "/etc/x", "what": "content changed", "diff": ["@@ -1 +1 @@", "-a", "+b"]}
    seen, warnings = ask(status([item, {"unit": "postfix.service", "what": "masked"}]))
    assert seen.argument("mx1-postfix", "postfix") == " --heal 4"
    # What is read from the bundle is read again, and what is put on trial is confirmed again.
    assert seen.comment("mx1-keys", "postfix") == " # machine 6"
    assert warnings == [
        "drift: mx1: postfix: /etc/x: content changed\n@@ -1 +1 @@\n-a\n+b\npostfix.service: masked"
    ]


def _older(told: dict[str, Any]) -> None:
    told["bundles"]["postfix"]["given"] = digest("old")


def _removed(told: dict[str, Any]) -> None:
    del told["bundles"]["postfix"]


def _emptied(told: dict[str, Any]) -> None:
    told["bundles"] = {}


def _failed(told: dict[str, Any]) -> None:
    told["failed"] = {"postfix": "2026-11-28T10:00:00Z"}


def _cut_off(told: dict[str, Any]) -> None:
    told["unfinished"] = True


def _failed_and_left(told: dict[str, Any]) -> None:
    told["failed"] = {"monitoring": "2026-11-28T10:00:00Z"}


# How a host is behind although nothing on its disk differs from its own record.
BEHIND = {
    "put back to a snapshot, or changed by another state or hand": (_older, {"postfix"}),
    "bundle removed by hand": (_removed, {"postfix"}),
    "folder of the agent lost": (_emptied, {"postfix", "redis"}),
    "change failed and its cause is gone": (_failed, {"postfix"}),
    "change cut off and not undone": (_cut_off, {"agent"}),
    "first change failed of a bundle that left the settings": (_failed_and_left, {"agent"}),
}


@pytest.mark.parametrize("case", BEHIND)
def test_host_that_is_behind_is_drift_with_its_reason_whatever_its_own_record_says(
    case: str,
) -> None:
    change, behind = BEHIND[case]
    told = status()
    change(told)
    seen, warnings = ask(told)
    assert seen.behind == behind
    assert {text.split(": ")[2] for text in warnings} == behind
    for bundle in behind:
        assert seen.number(f"mx1-{bundle}", bundle) == APPLIED[f"mx1-{bundle}"].number + 1


def test_number_of_a_healed_bundle_is_never_one_that_the_host_can_bring_back() -> None:
    # Healed, put back to before, healed again: each call differs from the one in the state.
    told, applied = status(), dict(APPLIED)
    _older(told)
    for number in (4, 5, 6):
        seen, _ = judge("mx1", 0, answer(told), "", applied)
        assert seen.number("mx1-postfix", "postfix") == number
        applied["mx1-postfix"] = Held(number, digest("new"), "", "postfix")


def test_agent_of_a_snapshot_is_behind_and_so_are_bundles_that_it_cannot_vouch_for() -> None:
    told = status()
    del told["bundles"]["redis"]["given"]
    seen, warnings = ask(told, agent="older")
    assert seen.behind == {"agent", "redis"}
    assert "agent: it is not the one that this stack installed last" in warnings[0]
    # Before the agent's own update nothing is said of bundles whose digest it does not tell.
    assert ask(told)[0].behind == frozenset()


def test_host_without_the_agent_is_behind_in_all_that_the_state_has_of_it() -> None:
    seen, warnings = judge("mx1", 127, MACHINE, "", APPLIED)
    assert seen.bare
    assert seen.number("mx1-agent", "agent") == 8
    assert seen.argument("mx1-redis", "redis") == " --heal 1"
    assert warnings == ["drift: mx1: agent: it is missing, so `mx up` sets the whole host up again"]
    fresh, warnings = judge("mx2", 127, MACHINE, "", APPLIED)
    assert (fresh.argument("mx2-redis", "redis"), warnings) == ("", [])


def test_program_that_is_missing_on_a_host_with_an_agent_is_not_taken_for_a_new_host() -> None:
    text = f"{MACHINE}\n{digest('agent')}  /path\n"
    seen, warnings = judge("mx1", 127, text, "sudo: command not found", APPLIED)
    assert (seen, warnings) == (
        Seen(),
        ["drift of mx1 was not read: sudo: command not found"],
    )


def test_state_gives_number_and_digest_of_every_command_and_nothing_of_other_resources() -> None:
    kind, urn = "command:remote:Command", "urn:pulumi:lab::mx::a$command:remote:Command::"
    manifest_ = '{"bundle": "postfix"}'
    found = commands(
        {
            f"{urn}mx1-agent": {
                "type": kind,
                "outputs": {"create": "heal=7\n# Puts", "stdin": "agent"},
            },
            f"{urn}mx1-postfix": {
                "type": kind,
                "outputs": {"create": "sudo -n mx-agent apply --heal 3", "stdin": manifest_},
            },
            f"{urn}mx1-keys": {
                "type": kind,
                "outputs": {"create": "show --heal 4 # machine 5", "stdin": "{"},
            },
            f"{urn}mx1-upload": {
                "type": "command:remote:CopyToRemote",
                "outputs": {"triggers": ["198.18.0.1", "key", 9.0]},
            },
            f"{urn}dns-a-mx1": {"type": "cloudflare:index/dnsRecord:DnsRecord", "outputs": {}},
        }
    )
    assert found == {
        "mx1-agent": Held(7, digest("agent"), "heal=7\n"),
        "mx1-postfix": Held(3, digest(manifest_), " --heal 3", "postfix", manifest_),
        "mx1-keys": Held(5, digest("{"), " --heal 4 # machine 5"),
        "mx1-upload": Held(9),
    }


def test_notes_of_renewals_come_before_the_status_and_broken_ones_are_told() -> None:
    note = {"a_rsa": {"error": "why", "failingSince": "t", "lastAttempt": "u"}}
    seen, warnings = ask(status(), json.dumps(note))
    assert (seen.renewals, seen.behind, warnings) == (note, frozenset(), [])
    seen, [warning] = ask(status(), '{"a_rs')
    assert (seen.renewals, seen.behind) == ({}, frozenset())
    assert warning.startswith("renewals of mx1 were not read: /var/lib/mx/certificates/status.json")


@pytest.mark.parametrize("code", [255, 1])
def test_host_that_does_not_answer_changes_nothing_and_is_told(code: int) -> None:
    seen, warnings = judge("mx1", code, "", "ssh: connect to host mx1: timed out\n", APPLIED)
    assert warnings == ["drift of mx1 was not read: ssh: connect to host mx1: timed out"]
    assert (seen.argument("mx1-postfix", "postfix"), seen.ignored) == ("", ["create"])
    assert Seen() == seen


@pytest.mark.parametrize(
    ("off", "words"), [(400 * 86400, "34560000 s ahead of"), (-90, "90 s behind"), (20, None)]
)
def test_clock_that_is_off_is_told(off: int, words: str | None) -> None:
    asked = (1_800_000_000.0, 1_800_000_000.0)
    told = answer(status(time=1_800_000_000 + off))
    seen, warnings = judge("mx1", 0, told, "", APPLIED, asked)
    assert seen.behind == frozenset()
    assert [text for text in warnings if f"clock of mx1: {words}" in text] == warnings
    assert len(warnings) == (words is not None)


@pytest.mark.parametrize(
    ("there", "words"),
    [(-61, "61 s behind"), (0, None), (90, None), (180, None), (250, "70 s ahead")],
)
def test_clock_of_a_host_beside_one_that_answers_late_is_right(
    there: int, words: str | None
) -> None:
    """All answers come together, when the last host has answered: 180 s here."""
    asked = (1_800_000_000.0, 1_800_000_180.0)
    told = answer(status(time=1_800_000_000 + there))
    _, warnings = judge("mx1", 0, told, "", APPLIED, asked)
    assert [text for text in warnings if f"clock of mx1: {words}" in text] == warnings
    assert len(warnings) == (words is not None)


def test_disk_that_is_full_does_not_replace_the_words_of_the_failure(
    agent: Staged, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    agent.apply(mail(agent))
    (agent.state / "bundles/one.failed.new").mkdir()
    with pytest.raises(Failure, match="nobody-here"):
        agent.apply(manifest("one", files={"/etc/x": file("x", owner="nobody-here")}))
    assert "the mark of this failure was not written" in capsys.readouterr().err


def test_agent_tells_the_digest_of_the_manifest_as_it_was_given(agent: Staged) -> None:
    text = mail(agent)
    agent.apply(text)
    assert agent.status()["bundles"]["one"]["given"] == digest(text)
    same = json.dumps(json.loads(text), indent=3)
    agent.apply(same)
    assert agent.status()["bundles"]["one"]["given"] == digest(same)


def test_record_of_an_older_agent_gives_the_digest_where_it_kept_the_text(agent: Staged) -> None:
    text = mail(agent)
    agent.apply(text)
    store = agent.state / "bundles/one.json"
    record = json.loads(store.read_text())
    del record["given"]
    store.write_text(json.dumps(record))
    assert agent.status()["bundles"]["one"]["given"] == digest(text)
    record["text"] = ""
    store.write_text(json.dumps(record))
    assert agent.status()["bundles"]["one"]["given"] == ""


def test_mark_of_a_failed_change_ends_when_the_former_manifest_comes_again(
    agent: Staged, root: Path
) -> None:
    agent.apply(mail(agent))
    with pytest.raises(Failure):
        agent.apply(manifest("one", files={"/etc/x": file("x", owner="nobody-here")}))
    assert list(agent.status()["failed"]) == ["one"]
    agent.apply(mail(agent))
    assert agent.status()["failed"] == {}


def test_mark_of_a_bundle_that_never_was_applied_ends_with_the_agents_own_update(
    agent: Staged,
) -> None:
    agent.apply(mail(agent))
    for name in ("one", "two"):
        with pytest.raises(Failure):
            agent.apply(manifest(name, files={"/etc/x": file("x", owner="nobody-here")}))
    agent.install_self()
    assert list(agent.status()["failed"]) == ["one"]


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
    [unit] = agent.records()["one"].units
    host.write({unit: {**host.read()[unit], "masked": True}})
    assert {"unit": unit, "what": "masked"} in agent.status()["bundles"]["one"]["drift"]
    agent.apply(mail(agent))
    assert host.did("unmask") == [unit]
    assert agent.status()["bundles"]["one"]["drift"] == []


def test_rollback_goes_back_is_drift_and_goes_forward_again(agent: Staged, root: Path) -> None:
    agent.apply(mail(agent, "old\n"))
    agent.apply(mail(agent, "new\n"))
    agent.rollback("one")
    assert (root / "etc/postfix/main.cf").read_text() == "a\nold\n"
    told = agent.status()["bundles"]["one"]
    assert told["drift"][0]["what"].startswith("rolled back by hand")
    assert told["drift"][1]["diff"] == ["@@ -1 +1 @@", "-new", "+old"]
    agent.apply(mail(agent, "new\n"))
    assert (root / "etc/postfix/main.cf").read_text() == "a\nnew\n"
    assert agent.status()["bundles"]["one"]["drift"] == []
    agent.rollback("one")
    agent.rollback("one")
    assert (root / "etc/postfix/main.cf").read_text() == "a\nnew\n"
    assert agent.status()["bundles"]["one"]["drift"] == []


def test_clone_beside_its_original_is_told_by_its_machine_id() -> None:
    original, clone = (judge(key, 0, answer(status()), "", {})[0] for key in ("mx1", "mx3"))
    other = judge("mx2", 0, answer(status()).replace(MACHINE, MACHINE[::-1]), "", {})[0]
    [warning] = copies({"mx1": original, "mx2": other, "mx3": clone, "mx4": Seen()})
    assert warning.startswith(f"mx1 and mx3 answer with the same machine ID, {MACHINE}: ")
    assert copies({"mx1": original, "mx2": other, "mx4": Seen(), "mx5": Seen()}) == []


def test_what_packages_wait_for_is_told_in_one_line() -> None:
    names = [f"lib{number}" for number in range(7)]
    waiting = json.dumps({"security": names, "restart": ["nginx.service"], "reboot": True})
    _, warnings = judge("mx1", 0, answer(status(), updates=waiting), "", APPLIED)
    assert warnings == [
        "updates of mx1: the host waits for 7 security updates (lib0, lib1, lib2, lib3, lib4, "
        "...); "
        "a restart of nginx.service; a reboot into its newer kernel; "
        "docs/runbooks/MxUpdatesWaiting.md says what to do"
    ]
    quiet = json.dumps({"security": [], "restart": [], "reboot": False, "others": 3})
    assert judge("mx1", 0, answer(status(), updates=quiet), "", APPLIED)[1] == []


@pytest.mark.parametrize(
    ("busy", "words"),
    [(False, "was interrupted and will be finished"), (True, "another run changes this host now")],
)
def test_a_run_at_work_is_not_called_interrupted(busy: bool, words: str) -> None:
    told = status() | {"unfinished": True, "busy": busy}
    seen, texts = judge("mx1", 0, answer(told), "", APPLIED)
    assert seen.behind == {"agent"}
    assert words in texts[0]
