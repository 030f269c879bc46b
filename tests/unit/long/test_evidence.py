"""The checker of scripts/chaos sees what must not be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.long.chaos import evidence
from tests.long.chaos.evidence import Copy, Event, Verdict, judge
from tests.long.chaos.sender import Attempt, Message, Target, text
from tests.long.chaos.table import Result, refusing

TARGET = Target("info@example.test", ("example.test/alice", "example.test/bob"))
MX1, MX2, MAILBOX = "mx1.example.test", "mx2.example.test", "mailbox1.example.test"
ALICE = Copy(0, "example.test/alice", True, True, {MX1: "A1", MAILBOX: "M1"}, 110.0)
BOB = replace(ALICE, maildir="example.test/bob")


def tried(*outcomes: str) -> Message:
    attempts = [Attempt(0, "mx1", 100.0, 101.0, each, "end", "") for each in outcomes]
    accepted = 101.0 if "accepted" in outcomes else None
    return Message(0, TARGET, 100, 100.0, accepted, attempts)


def verdict(
    *copies: Copy,
    message: Message | None = None,
    reports: tuple[tuple[int, str], ...] = (),
    events: tuple[Event, ...] = (),
    logs: dict[str, str] | None = None,
) -> Verdict:
    return judge([message or tried("accepted")], copies, reports, list(events), logs or {})


def held(found: Verdict, message: Message) -> bool:
    return Result(1, [message], found, [], [], converged=True, queues_empty=True).held


def test_both_copies_of_an_alias_are_wanted() -> None:
    assert held(verdict(ALICE, BOB), tried("accepted"))
    found = verdict(ALICE)
    assert found.lost == ["0 to example.test/bob"]
    assert not held(found, tried("accepted"))


def test_a_report_is_a_bounce_and_not_a_loss() -> None:
    found = verdict(reports=((0, "5.4.4"),))
    assert (found.lost, found.bounced) == ([], ["0: 5.4.4"])
    assert not held(found, tried("accepted"))


def test_what_nobody_accepted_is_not_lost_yet_does_not_hold() -> None:
    message = tried("deferred", "failed")
    found = verdict(message=message)
    assert found.lost == []
    assert not held(found, message)


def test_a_message_that_was_in_the_queues_of_both_hosts_is_doubled_with_the_reason_of_either() -> (
    None
):
    first = replace(ALICE, ids={MX1: "A1", MX2: "B1", MAILBOX: "M1"})
    again = replace(first, ids=first.ids | {MAILBOX: "M2"}, stored=120.0)
    lines = {
        host: f"{id_}: status=deferred (end of data)"
        for host, id_ in (("mx1", "A1"), ("mx2", "B1"))
    }
    for host in lines:
        found = verdict(first, again, BOB, logs={host: lines[host]})
        assert (len(found.doubled), found.without_reason) == (1, [])
    assert len(verdict(first, again, BOB).without_reason) == 1
    # The second host passed it on twice, so that the first one has two of them.
    passed = replace(again, ids=again.ids | {MX1: "A2"})
    assert len(verdict(first, passed, BOB, logs=lines).doubled) == 1
    assert len(verdict(first, passed, BOB, logs={"mx1": lines["mx1"]}).without_reason) == 1


def test_damaged_and_unfiltered_copies_are_told() -> None:
    found = verdict(replace(ALICE, whole=False), replace(BOB, filtered=False))
    assert (len(found.damaged), len(found.unfiltered)) == (1, 1)
    assert not held(found, tried("accepted"))


def test_a_second_delivery_by_the_sender_needs_a_try_without_a_final_reply() -> None:
    again = replace(ALICE, ids={MX2: "B1", MAILBOX: "M2"}, stored=120.0)
    assert verdict(ALICE, BOB, again).without_reason
    found = verdict(ALICE, BOB, again, message=tried("uncertain", "accepted"))
    assert [why for _, why in found.doubled] == ["the sender had no final reply and came again"]
    # One such try explains one more copy, not two.
    third = replace(again, ids={MX2: "B2", MAILBOX: "M3"}, stored=130.0)
    found = verdict(ALICE, BOB, again, third, message=tried("uncertain", "accepted"))
    assert len(found.without_reason) == 1


def test_a_second_delivery_by_an_mx_host_needs_its_own_reason() -> None:
    again = replace(ALICE, ids={MX1: "A1", MAILBOX: "M2"}, stored=120.0)
    assert verdict(ALICE, BOB, again).without_reason
    cut = "A1: to=<a@b>, status=deferred (lost connection while sending end of data -- may be)"
    assert verdict(ALICE, BOB, again, logs={"mx1": cut}).doubled
    assert verdict(ALICE, BOB, again, logs={"mx2": cut}).without_reason
    assert verdict(ALICE, BOB, again, events=(Event("power cut", "mx1", 111.0, 115.0),)).doubled
    assert verdict(
        ALICE, BOB, again, events=(Event("power cut", "mx1", 130.0, 140.0),)
    ).without_reason
    assert verdict(
        ALICE, BOB, again, events=(Event("power cut", "mx2", 111.0, 115.0),)
    ).without_reason


def test_the_longest_time_in_which_both_refused() -> None:
    def attempt(server: str, end: float, outcome: str) -> Attempt:
        return Attempt(0, server, end - 1, end, outcome, "end", "")

    message = Message(0, TARGET, 100, 0.0)
    message.tries = [
        attempt("mx1", 1.0, "accepted"),
        attempt("mx1", 2.0, "failed"),
        attempt("mx2", 3.0, "deferred"),
        attempt("mx1", 8.0, "accepted"),
        attempt("mx1", 9.0, "deferred"),
        attempt("mx1", 30.0, "accepted"),
    ]
    assert refusing([message]) == 7.0


def test_stored_files_are_read_as_a_mailbox_server_writes_them(tmp_path: Path) -> None:
    message = Message(7, TARGET, 3000, 100.0)
    sent = text("run-1", message).replace(b"\r\n", b"\n")
    trace = (
        b"X-Spamd-Result: default: False\n"
        b"Received: from mx1.example.test (mx1.example.test [192.0.2.1])\n"
        b"\tby mailbox1.example.test (Postfix) with ESMTP id M1 for <alice@example.test>\n"
        b"Received: from out.sender.test (out.sender.test [192.0.2.9])\n"
        b"\tby mx1.example.test (Postfix) with ESMTPS id A1\n"
    )
    new = tmp_path / "example.test/alice/new"
    new.mkdir(parents=True)
    (new / "1").write_bytes(trace + sent)
    (new / "2").write_bytes(trace + sent + b"more\n")
    (new / "3").write_bytes(trace + sent.replace(b"X-Chaos: run-1 ", b"X-Chaos: run-2 "))
    found = sorted(evidence.copies(tmp_path, "run-1"), key=lambda each: each.whole)
    assert [each.whole for each in found] == [False, True]
    assert found[1].serial == 7
    assert found[1].maildir == "example.test/alice"
    assert found[1].ids == {MX1: "A1", MAILBOX: "M1"}


def test_only_the_begin_of_a_message_is_damage_unless_the_same_delivery_stored_all() -> None:
    begin = replace(ALICE, whole=False, stored=109.0)
    assert verdict(begin, BOB).damaged == ["0 in example.test/alice"]
    found = verdict(begin, ALICE, BOB)
    assert (found.damaged, len(found.doubled)) == ([], 1)
    other = replace(begin, ids={MX1: "A1", MAILBOX: "M9"})
    assert verdict(other, ALICE, BOB).damaged == ["0 in example.test/alice"]
