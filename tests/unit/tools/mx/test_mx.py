"""The command `mx`: its help, its exit codes, and a sentence for every wrong call."""

from __future__ import annotations

import json
import stat
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pytest

from components.settings.stack_file import settings_of
from tools.mx import __main__, apply, engine, log, plan, verbs_apply, wait
from tools.mx.app import mx, run
from tools.mx.apply import Outcome
from tools.mx.codes import FAILED, FOUND, OK, USAGE
from tools.mx.console import safe
from tools.mx.progress import DNS, Progress
from tools.mx.verbs_apply import carry_out
from tools.preview.model import RecordChange, Report

VERBS = sorted(mx.commands)


def test_every_module_of_verbs_is_loaded() -> None:
    assert {"preview", "up", "drift", "rollback", "destroy", "status"} <= set(VERBS)
    assert len(__main__.VERBS) == len(list(Path(__main__.__file__).parent.glob("verb*.py")))


@pytest.mark.parametrize("verb", VERBS)
def test_help_fits_80_columns_and_has_an_example(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([verb, "--help"]) == OK
    text = capsys.readouterr().out
    assert all(len(line) <= 80 for line in text.splitlines())
    assert f"Example: mx {verb}" in text
    assert "Traceback" not in text


WRONG = {
    "no command": ([], "Usage: mx"),
    "a command that does not exist": (["prewiev"], "preview"),
    "an option that does not exist": (["drift", "lab", "--colour"], "--colour"),
    "a stack that does not exist": (["preview", "nope"], "mx init nope"),
    "a host that does not exist": (["rollback", "production", "mx9", "--list"], "it has mx1, mx2"),
    "an up that nobody can confirm": (["up", "production"], "add --yes"),
    "neither domain nor stack": (["status"], "--stack NAME"),
    "a version of Postfix that is not known": (["audit", "--postfix", "1", "-"], "3.10"),
}


@pytest.mark.parametrize("state", WRONG)
def test_wrong_call_is_64_and_says_the_way_out(
    state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, words = WRONG[state]
    assert run(arguments) == USAGE
    assert words in capsys.readouterr().err


def test_findings_of_an_audit_are_2_and_a_missing_file_is_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "main.cf"
    wrong.write_text("smtpd_tls_security_level = maybe\nno_such_parameter = yes\n")
    assert run(["audit", str(wrong)]) == FOUND
    assert run(["audit", str(tmp_path / "none")]) == FAILED
    assert "none: No such file or directory" in capsys.readouterr().err


def test_report_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MX_FORGE_TOKEN", "token")
    place = ["--forge", "github", "--api", "http://x.test", "--repository", "o/r"]
    report = str(tmp_path / "nofile")
    assert run(["comment", report, *place, "--number", "1", "--author", "me"]) == FAILED
    assert "nofile: No such file or directory" in capsys.readouterr().err


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> int:
        raise KeyboardInterrupt

    command = click.Command("interrupted", callback=interrupted)
    monkeypatch.setitem(mx.commands, "interrupted", command)
    assert run(["interrupted"]) == 130


def test_same_error_of_many_places_is_said_once_with_their_number() -> None:
    errors = {f"DNS: mx-d{number}.test": ["The state is gone."] for number in range(5)}
    assert apply.together({**errors, "mx1: postfix": ["disk full"]}) == {
        "DNS: mx-d0.test and 4 more": ["The state is gone."],
        "mx1: postfix": ["disk full"],
    }


def test_command_that_was_run_is_not_in_its_error() -> None:
    message = 'Process exited with status 1: running "set -eu\\n\\"x\\"":\nmx-agent: disk full'
    assert apply.shortened(message).splitlines() == ["mx-agent: disk full"]


def test_exit_code_is_not_glued_to_what_the_agent_printed_first() -> None:
    waited = "Process exited with status 1: lock: waiting\nmx-agent: disk full"
    assert apply.shortened(waited).splitlines() == ["mx-agent: disk full", "lock: waiting"]
    assert apply.shortened("Process exited with status 3") == "Process exited with status 3"


def test_reason_of_a_failed_change_is_not_hidden_in_the_log_of_the_host() -> None:
    log = [f"run: command {number}" for number in range(30)]
    lines = ["Process exited with status 1: stage: 30 paths", *log, "mx-agent: disk full", "undone"]
    shown = apply.shortened("\n".join(lines)).splitlines()
    assert shown[:2] == ["mx-agent: disk full", "..."]
    assert shown[-1] == "undone"
    steps = ["copy: 3 changed of 24 paths", "journal", "swap: /etc/x", "probe: a"]
    assert apply.shortened("\n".join([*steps, "mx-agent: no"])) == "mx-agent: no"


def test_status_of_the_lab_asks_the_labs_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def main(given: list[str], *_: object) -> int:
        asked.append(given)
        return 0

    monkeypatch.setattr("tools.status.__main__.main", main)
    assert run(["status", "--stack", "lab"]) == 0
    assert run(["status", "--stack", "lab", "--resolver", "192.0.2.53"]) == 0
    assert run(["status", "--stack", "production"]) == 0
    assert "198.18.77.54" in asked[0]
    assert [one for one in asked[1] if one.startswith(("192", "198"))] == ["192.0.2.53"]
    assert "--resolver" not in asked[2]


def test_control_characters_of_a_host_are_shown_and_not_obeyed() -> None:
    assert safe("a\x1b[2Jb\u202ec\u200bd") == "a\\x1b[2Jb\\u202ec\\u200bd"
    assert safe("grün\tok\n") == "grün\tok\n"


URN = "urn:pulumi:production::mx::mx:host:Host$command:remote:Command::mx1-postfix"
COMPONENT = "urn:pulumi:production::mx::mx:host:MailExchanger$mx:services:Redis::mx1-redis"
RECORD = "urn:pulumi:production::mx::mx:dns:Dns$cloudflare:index/dnsRecord:DnsRecord::dns-a-mx1"

QUEUE_CHECK = "urn:pulumi:lab::mx::command:local:Command::queues"


def events() -> Iterator[dict[str, object]]:
    for urn in (URN, RECORD):
        metadata = {"op": "update", "urn": urn}
        yield {"resourcePreEvent": {"metadata": metadata}}
        yield {"resOutputsEvent": {"metadata": metadata}}
    yield {"resOutputsEvent": {"metadata": {"op": "same", "urn": URN}}}
    # The queue check, which the preview counts, and a component, which it does not.
    for urn in (QUEUE_CHECK, COMPONENT):
        metadata = {"op": "create", "urn": urn}
        yield {"resourcePreEvent": {"metadata": metadata}}
        yield {"resOutputsEvent": {"metadata": metadata}}


def test_progress_counts_changes_by_host(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(["mx1", "mx10"], {"mx1": 1, DNS: 1}) as progress:
        for event in events():
            progress.event(event)
    assert {name: row.done for name, row in progress.rows.items()} == {"mx1": 1, DNS: 1}
    assert progress.counts == {"update": 2, "create": 1}
    assert "mx1: 1 change done" in capsys.readouterr().err


def test_log_of_a_runner_says_what_each_host_does_meanwhile(
    capsys: pytest.CaptureFixture[str],
) -> None:
    begins, *_ = events()
    text = ""
    with Progress(["mx1"], {"mx1": 14}, pause=0.01) as progress:
        progress.event(begins)
        deadline = time.monotonic() + 60
        while "mx1: 0/14 done, now postfix" not in text and time.monotonic() < deadline:
            text += capsys.readouterr().err
    assert "mx1: 0/14 done, now postfix\n" in text


def test_log_is_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for _ in range(25):
        path, stream = log.create("production", "up")
        stream.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(list(log.folder().glob("*.log"))) == 20
    assert "mx1-postfix: update begins" in log.line(json.loads(json.dumps(next(events()))))


def test_api_that_keeps_a_preview_waiting_is_told_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = threading.Event()
    words: list[str] = []
    monkeypatch.setattr(wait, "LONG_SECONDS", 0)

    def tell(text: str) -> None:
        words.append(text)
        said.set()

    monkeypatch.setattr(wait, "tell", tell)
    with wait.waiting("reading", plan.LONG):
        assert said.wait(10)
    assert "--refresh=false" in words[0]


def test_missing_host_is_told_with_the_hosts_of_the_stack(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["host", "production"]) == USAGE
    assert "The hosts of the stack: mx1, mx2" in capsys.readouterr().err


def test_version_is_an_option_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"mx {engine.product_version()}\n"


def test_progress_has_a_row_for_a_host_that_the_stack_file_has_no_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its removal had been told as `not begun` and `nothing changed`."""
    asked: list[str] = []

    def run(stack: str, verb: str, arguments: object, hosts: Iterable[str], *_: object) -> Outcome:
        asked.extend(hosts)
        return Outcome(0, {"delete": 9}, {}, tmp_path)

    monkeypatch.setattr(apply, "run", run)
    assert carry_out("production", "up", [], None, expected={"mx9": 9, DNS: 1}) == OK
    assert asked == ["mx1", "mx2", "mx9"]


def test_hints_after_an_up_are_for_domains_that_are_new_in_dns() -> None:
    settings = settings_of("production")
    first, *_ = settings.domains
    kept = RecordChange(f"mx1.{first}", "old", "new")
    made = RecordChange(f"_dmarc.{first}", None, "new")
    other = RecordChange(f"not{first}", None, "new")
    assert verbs_apply.new_in_dns(settings, Report("production", records=[kept, other])) == []
    assert verbs_apply.new_in_dns(settings, Report("production", records=[kept, made])) == [first]
    assert verbs_apply.new_in_dns(settings, None) == []
