"""What Postfix waits for before it stops: messages on their way, for a bounded time."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.programs import host_program
from tests.support.stacks import ROOT

PROGRAM = ROOT / "components/services/postfix/files/usr/local/lib/mx/mx_postfix_finish.py"
MASTER = 327
LISTENING = """\
LISTEN 0 200   0.0.0.0:25    0.0.0.0:* users:(("smtpd",pid=400,fd=6),("master",pid=327,fd=13))
LISTEN 0 200      [::]:25       [::]:* users:(("smtpd",pid=400,fd=7),("master",pid=327,fd=14))
LISTEN 0 200 127.0.0.1:10025 0.0.0.0:* users:(("master",pid=327,fd=20))
LISTEN 0 128   0.0.0.0:22    0.0.0.0:* users:(("sshd",pid=84,fd=6))
LISTEN 0 128   0.0.0.0:2222  0.0.0.0:* users:(("sshd",pid=3271,fd=6))
"""
Calls = list[tuple[str, str | None]]


class Host:
    """/proc and the queue directory of a host, with a Postfix whose daemons are added."""

    def __init__(self, folder: Path) -> None:
        self.proc, self.spool = folder / "proc", folder / "spool"
        (self.spool / "pid").mkdir(parents=True)
        (self.spool / "pid/master.pid").write_text(f"{MASTER:8}\n")
        self.process(MASTER, "master")

    def process(self, pid: int, name: str, *open_files: str) -> None:
        (self.proc / f"{pid}/fd").mkdir(parents=True)
        (self.proc / f"{pid}/comm").write_text(f"{name}\n")
        for number, target in enumerate(open_files):
            (self.proc / f"{pid}/fd/{number}").symlink_to(target)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def calls() -> Calls:
    return []


@pytest.fixture
def program(host: Host, calls: Calls, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = host_program(PROGRAM)
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    def run(argv: tuple[str, ...], **options: Any) -> subprocess.CompletedProcess[str]:
        calls.append((" ".join(argv), options["input"]))
        return subprocess.CompletedProcess(argv, 0, LISTENING if argv[0] == "ss" else "", "")

    monkeypatch.setattr(module, "PROC", host.proc)
    monkeypatch.setattr(module, "SPOOL", str(host.spool))
    monkeypatch.setattr(module.os, "getpgid", lambda pid: MASTER)
    monkeypatch.setattr(module.os, "kill", lambda pid, number: calls.append((f"kill {pid}", None)))
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(module.time, "sleep", sleep)
    monkeypatch.setattr(subprocess, "run", run)
    return module


def ends_at(module: ModuleType, monkeypatch: pytest.MonkeyPatch, second: float) -> None:
    """Messages are on their way until this second."""
    monkeypatch.setattr(module, "busy", lambda leader: module.time.monotonic() < second)


@pytest.mark.parametrize("queue", ["incoming", "active"])
def test_message_that_comes_in_or_leaves_is_on_its_way(
    program: ModuleType, host: Host, queue: str
) -> None:
    host.process(400, "daemon", "socket:[7]", f"{host.spool}/{queue}/4fKz8h1x")
    assert program.busy(MASTER)


def test_client_that_sends_nothing_and_mail_that_waits_hold_nobody_up(
    program: ModuleType, host: Host
) -> None:
    host.process(400, "smtpd", "socket:[7]", "socket:[8]")
    host.process(401, "qmgr", f"{host.spool}/active/4fKz8h1x")
    host.process(402, "pickup", f"{host.spool}/pid/unix.cleanup")
    assert not program.busy(MASTER)


def test_process_of_somebody_else_is_not_asked(
    program: ModuleType, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.process(400, "cat", f"{host.spool}/active/4fKz8h1x")
    monkeypatch.setattr(program.os, "getpgid", lambda pid: 1)
    assert not program.busy(MASTER)


def test_last_reply_has_time_to_leave(program: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    ends_at(program, monkeypatch, 3.0)
    assert program.finish(MASTER)
    assert program.time.monotonic() >= 3.0 + program.REPLY_SECONDS


def test_client_that_never_ends_its_message_is_left_after_ten_seconds(
    program: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    calls: Calls,
) -> None:
    ends_at(program, monkeypatch, 1e9)
    assert program.main([]) == 0
    assert program.time.monotonic() < 10.2
    assert "messages are still on their way after 10 s" in capsys.readouterr().err
    assert calls[-1] == ("nft -f -", program.OPEN)


def test_new_clients_stay_out_and_come_in_again_whatever_happens(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    def interrupt(leader: int) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "busy", interrupt)
    with pytest.raises(KeyboardInterrupt):
        program.main([])
    closed = calls[1]
    assert closed[0] == "nft -f -"
    # Of master(8) alone, and each ends by itself should nobody end it.
    assert "elements = { 10025 timeout 15s, 25 timeout 15s }" in (closed[1] or "")
    assert calls[-1] == ("nft -f -", program.OPEN)


@pytest.mark.parametrize("error", [FileNotFoundError("nft"), subprocess.TimeoutExpired("nft", 10)])
def test_without_nft_messages_are_waited_for_all_the_same(
    program: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    def run(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", run)
    ends_at(program, monkeypatch, 2.0)
    assert program.main([]) == 0
    assert program.time.monotonic() > 2.0
    assert "new clients still come in" in capsys.readouterr().err


def test_no_delivery_begins_meanwhile(program: ModuleType, host: Host, calls: Calls) -> None:
    host.process(400, "smtp")
    host.process(401, "qmgr")
    assert program.main([]) == 0
    assert [call for call, _ in calls if call.startswith("kill")] == ["kill 401"]


@pytest.mark.parametrize(
    "state",
    [
        lambda host: (host.spool / "pid/master.pid").unlink(),
        lambda host: (host.spool / "pid/master.pid").write_text(""),
        lambda host: (host.spool / "pid/master.pid").write_text("99\n"),
        lambda host: (host.proc / f"{MASTER}/comm").write_text("sshd\n"),
    ],
    ids=["no file", "empty", "process gone", "number used again"],
)
def test_postfix_that_died_before_is_nothing_to_wait_for(
    program: ModuleType, host: Host, calls: Calls, state: Callable[[Host], object]
) -> None:
    state(host)
    assert program.main([]) == 0
    assert calls == []
