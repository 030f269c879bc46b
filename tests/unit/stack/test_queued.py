"""Mail in a queue when its host leaves, its domain goes, or all is destroyed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.host.files import queued as counted
from components.host.queues import call
from components.settings.environment import from_mapping
from components.stack import queued
from components.stack.queued import Queue, kept, queue_of, refused, told
from tests.support.mapping import mapping
from tests.support.stacks import ROOT
from tools.mx import lost

SCRIPT = ROOT / "components/host/queues.sh"
# What ask.sh prints of hosts whose queues are empty, full, and not read.
EMPTY = "host mx1 0\nout\tthe queue is empty\n"
FULL = "host mx2 0\nout\t50 messages are queued, the oldest for 3 min, for example.test\n"
SILENT = "host mx3 255\nerr\tssh: connect to host 198.18.77.13 port 22: timed out\n"


def _message(arrival: int, *recipients: str) -> str:
    return json.dumps(
        {"arrival_time": arrival, "recipients": [{"address": each} for each in recipients]}
    )


def test_message_counts_once_in_each_domain_of_its_recipients() -> None:
    lines = [_message(100, "a@x.test", "b@x.test", "c@Y.test"), _message(50, "d@x.test")]
    assert counted.count(lines) == {"x.test": [2, 50], "y.test": [1, 100]}


def test_host_that_leaves_with_mail_is_told_with_number_and_age() -> None:
    out = json.dumps({"now": 1000, "messages": 50, "domains": {"x.test": [50, 400]}})
    queue = queue_of(0, out, "")
    assert queue == Queue(50, {"x.test": (50, 600.0)})
    (text,) = told({"mx2": queue, "mx1": Queue(0, {})})
    assert text.startswith("queue of mx2: 50 messages are queued there, the oldest for 10 min. ")


def test_host_that_is_removed_with_mail_is_refused_before_its_tls_and_its_name_go() -> None:
    queues = {
        "mx1": Queue(0, {}),
        "mx2": Queue(1, {"x.test": (1, 300.0)}),
        "mx3": Queue(unread="-"),
    }
    ((key, text),) = kept(queues)
    assert key == "mx2"
    assert text.startswith("hosts.mx2: the host is being removed, but 1 message is queued there")
    assert "the oldest for 5 min. Put the host back, with `leaving: true`" in text


def test_host_that_is_forgotten_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """`mx forget` promises that it never connects to the host."""
    asked: list[str] = []

    def ask(settings: object, keys: list[str], lines: dict[str, str]) -> dict[str, Any]:
        asked.extend([*keys, *lines])
        return dict.fromkeys(lines, (255, "", "no route"))

    monkeypatch.setattr(queued, "ask_queues", ask)
    monkeypatch.setattr(queued, "_former", lambda _: ["mx8 192.0.2.8 22 root - k b", "mx9 x"])
    monkeypatch.setattr(pulumi.log, "warn", lambda _: None)
    with lost.not_asked("mx9"):
        queued.look(from_mapping(mapping()), ["example.test"])
    assert asked == ["mx8"]
    queued.look(from_mapping(mapping()), ["example.test"])
    assert asked == ["mx8", "mx8", "mx9"]


def test_host_that_does_not_answer_counts_as_not_empty() -> None:
    (text,) = told({"mx2": queue_of(255, "", "ssh: timed out")})
    assert "its queue could not be read (ssh: timed out), so it counts as not empty" in text
    assert queue_of(0, "Welcome!", "").unread == "the host answers 'Welcome!' instead of its queue"


def test_domain_that_goes_with_mail_in_a_queue_is_refused() -> None:
    queues = {"mx1": Queue(0, {}), "mx2": Queue(51, {"x.test": (50, 180.0), "y.test": (1, 5.0)})}
    ((key, text),) = refused(["x.test", "z.test"], queues)
    assert key == "mx2"
    assert (
        "domains.x.test: the domain is being removed, but 50 messages are queued for it on mx2"
        in text
    )
    assert "`giveUpQueue: true` at hosts.mx2" in text


def _destroy(tmp_path: Path, answers: str, hosts: str = "mx1 a 22 root - k b") -> tuple[int, str]:
    (tmp_path / "answers").write_text(answers)
    done = subprocess.run(
        ["sh", str(SCRIPT)],
        env=dict(os.environ) | {"MX_HOSTS": hosts, "MX_ASK": f"cat {tmp_path}/answers"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_destroy_goes_on_when_all_queues_are_empty(tmp_path: Path) -> None:
    assert _destroy(tmp_path, EMPTY) == (0, "")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (EMPTY + FULL, "mx2: 50 messages are queued, the oldest for 3 min, for example.test"),
        (EMPTY + SILENT, "mx3: its queue was not read, which counts as not empty: ssh: connect"),
        (EMPTY + "host mx2 0\nout\tWelcome\x1b[2J\n", "mx2: Welcome"),
        ("", "no host was asked"),
    ],
    ids=["mail is queued", "a host is silent", "a host says something else", "nothing"],
)
def test_destroy_is_refused_before_anything_goes(tmp_path: Path, answers: str, words: str) -> None:
    code, said = _destroy(tmp_path, answers)
    assert code == 1
    assert "Nothing was taken away" in said
    assert words in said
    assert "giveUpQueue: true" in said
    assert "\x1b" not in said


def test_stack_whose_hosts_all_give_up_is_not_asked(tmp_path: Path) -> None:
    assert _destroy(tmp_path, "", hosts="") == (0, "")


def test_login_that_is_not_root_asks_with_sudo() -> None:
    plain = from_mapping(mapping())
    assert "exec python3 -I" in call(plain)
    assert "exec sudo -n python3 -I" in call(from_mapping(mapping() | {"ssh": {"user": "admin"}}))
