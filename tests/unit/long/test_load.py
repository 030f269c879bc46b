"""The checker of scripts/load sees what must not be, and its arithmetic is right."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from dataclasses import replace

import pytest

from tests.long.load import table
from tests.long.load.client import Attempt, body, message
from tests.long.load.mailbox_double import copies
from tests.long.load.processor import Use, parse, shares
from tests.long.load.run import Overload, Step
from tests.long.load.verdict import Copy, Verdict, complete, judge

WANTED = {"bob@x": ("bob@x",), "info@x": ("alice@x", "bob@x")}


def tried(number: int, *, code: int = 250, phase: str = "end", to: str = "bob@x") -> Attempt:
    return {
        "serial": f"r-{number}",
        "recipient": to,
        "code": code,
        "phase": phase,
        "words": f"{code} words",
        "begin": 100.0 + number,
        "end": 101.0 + 2 * number,
    }


def copy(number: int, to: str = "bob@x", *, whole: bool = True, filtered: bool = True) -> Copy:
    serial = f"r-{number}"
    return {"serial": serial, "recipient": to, "whole": whole, "filtered": filtered, "at": 110.0}


def test_an_accepted_message_without_a_copy_is_lost() -> None:
    found = judge([tried(0), tried(1)], [copy(1)], WANTED)
    assert (found.lost, found.held) == (["r-0"], False)
    assert not complete([tried(0)], [], WANTED)


def test_an_alias_of_two_that_one_recipient_has_is_lost() -> None:
    found = judge([tried(0, to="info@x")], [copy(0)], WANTED)
    assert found.lost == ["r-0"]
    both = [copy(0), copy(0, "alice@x")]
    found = judge([tried(0, to="info@x")], both, WANTED)
    assert found.held
    assert (found.lost, found.doubled, found.copies) == ([], [], 2)
    assert complete([tried(0, to="info@x")], both, WANTED)


def test_a_second_copy_for_the_same_recipient_is_doubled() -> None:
    found = judge([tried(0)], [copy(0), copy(0)], WANTED)
    assert (found.doubled, found.held) == (["r-0"], False)


def test_a_message_that_the_client_will_send_again_and_is_stored_does_not_hold() -> None:
    found = judge([tried(0, code=451)], [copy(0)], WANTED)
    assert (found.stored_though_refused, found.held) == (["r-0"], False)


def test_no_reply_leaves_open_whether_it_was_stored() -> None:
    for stored in ([], [copy(0)]):
        found = judge([tried(0, code=0)], stored, WANTED)
        assert found.held
        assert (found.accepted, found.refused("0")) == (0, 1)


def test_4xx_and_waiting_hold_and_5xx_does_not() -> None:
    later = [tried(0), tried(1, code=421, phase="banner"), tried(2, code=451, phase="rcpt")]
    found = judge(later, [copy(0)], WANTED)
    assert found.held
    assert found.replies == Counter({"250 at end": 1, "421 at banner": 1, "451 at rcpt": 1})
    assert (found.refused("4"), found.refused("5")) == (2, 0)
    assert not judge([tried(0, code=550, phase="rcpt")], [], WANTED).held


def test_the_250_of_a_session_that_was_cut_off_later_is_no_acceptance() -> None:
    assert judge([tried(0, phase="rcpt")], [], WANTED).accepted == 0


def test_damaged_and_unfiltered_copies_do_not_hold() -> None:
    assert judge([tried(0)], [copy(0, whole=False)], WANTED).damaged == ["r-0"]
    bare = [copy(0, filtered=False)]
    assert judge([tried(0)], bare, WANTED).unfiltered == ["r-0"]
    assert judge([tried(0)], bare, WANTED, filtered=False).held


def test_copies_of_another_load_count_for_nothing() -> None:
    other: Copy = {**copy(0), "serial": "q-0"}
    found = judge([tried(0)], [copy(0), other], WANTED)
    assert (found.copies, found.held) == (1, True)


def test_rate_is_from_the_first_session_to_the_last_stored_copy() -> None:
    found = judge([tried(0), tried(1), tried(2, code=451)], [copy(0), copy(1)], WANTED)
    assert found.rate == pytest.approx(2 / 10)
    assert judge([tried(0, code=421)], [], WANTED).rate == 0


def test_waits_are_of_accepted_messages() -> None:
    attempts = [tried(number) for number in range(21)] + [tried(400, code=451)]
    found = judge(attempts, [copy(number) for number in range(21)], WANTED)
    assert found.waits.median == 11
    assert found.waits.longest == 21
    assert 19 < found.waits.most <= 21


USE = Use(10.0, {"rspamd": 6.0, "smtpd": 3.96, "sh": 0.04}, 2.0, 5.0)
HELD = judge([tried(0)], [copy(0)], WANTED)


def step(server: str, sessions: int, rate: float) -> Step:
    return Step(server, 10_000, sessions, replace(HELD, accepted=100, rate=rate), USE)


def test_limit_is_the_most_of_all_sessions_and_rows_are_side_by_side() -> None:
    steps = [step("mx", 5, 30.0), step("plain", 5, 60.0), step("mx", 20, 45.0)]
    assert table.limit(steps, "mx", 10_000).sessions == 20
    assert table.pairs(steps) == [(steps[0], steps[1])]
    text = table.limits(steps)
    row = next(line.split() for line in text.splitlines() if line.split()[:2] == ["10000", "5"])
    assert row[2:5] == ["30.0", "60.0", "0.50"]
    assert row[-3:] == ["100.0", "100.0", "1.00"]
    assert "ratio 0.75" in text


def test_processors_are_named_by_share_and_a_hundredth_is_left_out() -> None:
    assert [name for name, _ in shares(USE.by_program)] == ["rspamd", "smtpd"]
    assert shares({}) == []
    assert "host 1.00 processors, client and mailbox 0.20, others 0.50" in table.processors(USE)


def test_a_name_with_brackets_in_proc_stat() -> None:
    words = ["S", *(["0"] * 10), "150", "50", *(["0"] * 6), "77", "0"]
    name, started, seconds = parse(f"12 (a) b) {' '.join(words)}")
    assert (name, started) == ("a) b", 77)
    assert seconds == 200 / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize(
    ("verdict", "normal", "empty", "held"),
    [
        (HELD, 59.0, True, True),
        (HELD, 61.0, True, False),
        (HELD, float("inf"), True, False),
        (HELD, 1.0, False, False),
        (judge([tried(0)], [], WANTED), 1.0, True, False),
    ],
)
def test_overload_holds_only_when_mail_is_normal_within_a_minute(
    verdict: Verdict, normal: float, empty: bool, held: bool
) -> None:
    found = Overload(70.0, 60.0, verdict, USE, normal, empty)
    assert found.held is held
    last = next(line for line in table.overload(found).splitlines() if line.startswith("held"))
    assert last.split() == ["held", "yes" if held else "no"]


def test_the_double_writes_a_line_for_each_recipient_and_sees_a_changed_body() -> None:
    text = message("r-7", "info@x", body(random.Random(1), 500))
    head, _, rest = text.partition(b"\r\n\r\n")
    filtered = b"X-Spamd-Result: default: False\r\n" + head + b"\r\n\r\n"
    lines = copies(filtered + rest + b".\r\n", ["alice@x", "bob@x"]).splitlines()
    assert [json.loads(line)["recipient"] for line in lines] == ["alice@x", "bob@x"]
    assert all(json.loads(line)["whole"] and json.loads(line)["filtered"] for line in lines)
    changed = json.loads(copies(text + b"more\r\n.\r\n", ["bob@x"]))
    assert (changed["serial"], changed["whole"], changed["filtered"]) == ("r-7", False, False)
    assert copies(b"From: somebody\r\n\r\nhello\r\n.\r\n", ["bob@x"]) == b""
