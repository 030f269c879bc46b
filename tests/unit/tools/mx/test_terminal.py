"""What a terminal shows of a report and of findings."""

from __future__ import annotations

import sys

import pytest
from rich.console import Console

from components.protocol import warnings
from tools.mx import findings, progress, terminal
from tools.preview.model import Change, Report
from tools.status.check import Finding

SAME = ("DNS does not say it.", "Correct the records.")
FOUND = [
    Finding("stack-record", "fault", "a.test", f"{name} is missing", *SAME) for name in ("MX", "A")
]


def shown(report: Report) -> str:
    console = Console(width=80)
    with console.capture() as captured:
        console.print(terminal.render(report), crop=False)
    return captured.get()


def test_change_of_no_host_has_a_dash_in_the_table() -> None:
    change = Change(op="create", host="", component="queue check", why=["first deployment"])
    text = shown(Report("production", changes=[change]))
    assert "-     queue check" in text
    assert "''" not in text


def test_a_long_line_of_a_diff_goes_on_behind_a_mark() -> None:
    drifted = "\n".join(["drift: mx1: postfix", f"-relay_domains = {'a.test, ' * 12}b.test", "+c"])
    rows = [row.rstrip() for row in shown(Report("production", drift=[drifted])).split("\n")]
    at = next(at for at, row in enumerate(rows) if "relay_domains" in row)
    assert rows[at].startswith("    < relay_domains = a.test,")
    assert rows[at + 1].startswith("    …a.test,")
    assert rows[at + 1].endswith("b.test")
    assert rows[at + 2] == "    > c"


def test_report_promises_nothing_of_a_host_that_was_not_read() -> None:
    unread = warnings.not_read("mx1", "sudo: a password is required")
    text = shown(Report("production", warnings=[unread]))
    assert "No change is planned, but mx1 could not be read." in text
    assert "production: not everything was read" in text
    assert "match the settings" not in text
    assert "match the settings" in shown(Report("production"))


def test_reason_of_a_drift_does_not_look_like_a_line_that_is_gone() -> None:
    reason = warnings.drift("mx2", "postfix", "postfix.service: not active")
    text = shown(Report("production", drift=[reason]))
    assert "* postfix.service: not active" in text
    assert "is what somebody removed" not in text


def test_records_of_which_one_of_two_is_made_wait_and_are_not_done() -> None:
    with progress.Progress(["mx1"], {progress.DNS: 2}) as shows:
        urn = "urn:pulumi:p::mx::mx:dns:Dns$cloudflare:index/dnsRecord:DnsRecord::dns-a-mx1"
        for key in ("resourcePreEvent", "resOutputsEvent"):
            shows.event({key: {"metadata": {"op": "create", "urn": urn}}})
        console = Console(width=80)
        with console.capture() as captured:
            console.print(shows._table())
    name, done, *_, state = captured.get().split()
    assert (name, done, state) == ("DNS", "1/2", "waits")


def test_a_host_says_that_it_waits_for_the_canary() -> None:
    expected = {"mx1": 3, "mx2": 3}
    with progress.Progress(expected, expected, canary="mx1") as shows:
        urn = "urn:pulumi:p::mx::command:remote:Command::mx{}-redis"
        shows.event({"resourcePreEvent": {"metadata": {"op": "update", "urn": urn.format(1)}}})
        console = Console(width=80)
        with console.capture() as captured:
            console.print(shows._table())
        waiting = captured.get().split("\n")[1]
        assert waiting.split() == ["mx2", "0/3", "waits", "for", "mx1,", "the", "canary"]
        for key in ("resourcePreEvent", "resOutputsEvent"):
            shows.event({key: {"metadata": {"op": "update", "urn": urn.format(2)}}})
        with console.capture() as captured:
            console.print(shows._table())
        assert "canary" not in captured.get(), "mx2 has begun"
    with console.capture() as captured:
        console.print(shows._table())
    assert "not finished" in captured.get(), "nothing waits when the run is over"


def test_records_say_that_they_wait_for_the_hosts() -> None:
    expected = {"mx1": 2, progress.DNS: 2}
    with progress.Progress(["mx1"], expected) as shows:
        console = Console(width=80)
        with console.capture() as captured:
            console.print(shows._table())
        assert "waits for the hosts" in captured.get()
        shows.rows["mx1"].done = 2
        with console.capture() as captured:
            console.print(shows._table())
        assert "waits for the hosts" not in captured.get()


def test_the_same_of_several_addresses_is_told_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        Finding("certificate-trust", "warning", f"mx1.a.test [{address}]", "not trusted", *SAME)
        for address in ("192.0.2.1", "2001:db8::1")
    ]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    findings.present(["a.test"], found)
    shown = capsys.readouterr().out
    assert "mx1.a.test [192.0.2.1], mx1.a.test [2001:db8::1]: not trusted" in shown
    assert "0 faults, 2 warnings" in shown, "as in a pipe"


def test_a_line_to_copy_stays_whole_on_a_terminal() -> None:
    key = f"hostKey: ssh-ed25519 {'A' * 68}"
    text = shown(Report("production", risks=[f"mx1: write this line:\n        {key}"]))
    assert f"        {key}\n" in text
    text = shown(Report("production", risks=["mx1: x\n        +mynetworks = 0.0.0.0/0"]))
    assert "| " in text, "a line of a diff is none to copy"


def test_reason_of_several_findings_is_there_once_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    findings.present(["a.test"], FOUND)
    coloured = capsys.readouterr().out
    assert coloured.count(SAME[0]) == 1
    assert "\x1b[1;31m" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    findings.present(["a.test"], FOUND)
    assert "\x1b[1;31m" not in capsys.readouterr().out


def test_findings_in_a_pipe_are_lines_that_a_program_can_search(
    capsys: pytest.CaptureFixture[str],
) -> None:
    findings.present(["a.test"], FOUND)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "fault: a.test: MX is missing [stack-record]"
    assert lines[-1] == "a.test: 2 faults, 0 warnings, 0 notices"
