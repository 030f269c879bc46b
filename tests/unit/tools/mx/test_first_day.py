"""The first day: what `mx init` writes, and what `mx check` says of hosts and zones."""

from __future__ import annotations

import json
import os
import shlex
import socket
import stat
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from components.host.facts import take
from components.settings.environment import Settings, from_mapping
from tools.mx import (
    access,
    engine,
    host_keys,
    hosts,
    init_file,
    ssh_keys,
    state,
    verb_rollback,
    verbs_apply,
    verbs_host,
    verbs_look,
)
from tools.mx.answers import Asking, Kind
from tools.mx.app import Failure, mx, run
from tools.mx.check_host import judge_answer, unreachable
from tools.mx.codes import FAILED, INTERRUPTED, OK, USAGE
from tools.mx.init_questions import ask
from tools.mx.verb_check import _file
from tools.preview.model import Report
from tools.status.names import Answer, Names

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ1z5zvW0mCkqxqQ5xqJmL5m0p5m0p5m0p5m0p5m0p5"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ1z5zvW0mCkqxqQ5xqJmL5m0p5m0p5m0p5m0p5m0p6"


def answers() -> init_file.Answers:
    host = init_file.Host("mx1.example.org", "203.0.113.21", "2001:db8:2::11", KEY, 12)
    second = init_file.Host("mx2.example.org", "203.0.113.22", "", KEY)
    zones = {"example.org": "2" * 32}
    return init_file.Answers(
        [host, second],
        ["example.org"],
        ["postmaster"],
        "mail.example.org",
        2525,
        zones=zones,
        backend="s3://states",
    )


def settings() -> Settings:
    document = yaml.safe_load(init_file.text(answers()))
    return from_mapping(document["config"]["mx:mail"], "stacks/Pulumi.example.yaml")


def test_what_init_writes_is_valid_and_hurts_no_mail_that_flows() -> None:
    found = settings()
    assert found.hosts["mx1"].debian == 12
    assert found.mailbox_hosts["mailbox1"].port == 2525
    assert found.dns.records.spf == "v=spf1 mx ~all"
    assert str(found.dns.records.dmarc).startswith("v=DMARC1; p=none")
    assert found.rollout.canary == "mx1"


def test_recipients_without_postmaster_get_it(capsys: pytest.CaptureFixture[str]) -> None:
    given: dict[str, object] = {
        "given": ("mx1.example.org,203.0.113.21",),
        "domains": ("example.org",),
        "recipients": ("alice",),
        "mailbox_host": "mail.example.org",
        "mynetworks": (),
        "zones": (),
        "ssh_user": "root",
        "ssh_port": 22,
        "ssh_key": "",
    }
    assert asked(Asking(), given).recipients == ["alice", "postmaster"]
    assert "postmaster is accepted too" in capsys.readouterr().err


def asked(asking: Asking, given: dict[str, object]) -> init_file.Answers:
    found = init_file.Answers()
    ask(asking, given, found)
    return found


class Said(Asking):
    """Somebody who has an answer to a question when it has one of these words."""

    def __init__(self, **answers: str) -> None:
        self.possible = True
        self.answers = answers

    def words(self, question: str, option: str, default: str = "", kind: Kind = str) -> str:
        found = [answer for word, answer in self.answers.items() if word in question]
        return found[0] if found else default


def test_sudo_login_is_asked_for_when_no_option_gives_it() -> None:
    given: dict[str, object] = {
        "given": ("mx1.example.org,203.0.113.21",),
        "domains": ("example.org",),
        "recipients": ("postmaster",),
        "mailbox_host": "mail.example.org",
        "mynetworks": (),
        "zones": (),
        "ssh_user": "",
        "ssh_port": 22,
        "ssh_key": "",
    }
    assert asked(Said(Login="operator"), given).ssh_user == "operator"
    assert asked(Asking(), given).ssh_user == "root"


def test_address_that_a_preview_refuses_is_a_fault_of_the_check() -> None:
    found = [*_file(settings(), "example")]
    assert {line.level for line in found} == {"fault"}
    assert found[0].subject == "stacks/Pulumi.example.yaml"
    assert found[0].what.startswith("hosts.mx1.ipv4: 203.0.113.21 is for documentation")


def test_fingerprint_is_that_of_ssh_keygen() -> None:
    # ssh-keygen -lf of the same key.
    assert ssh_keys.fingerprint(KEY) == "SHA256:XxplKnXTKygie25TdtuUuwgVNW0VD1OoLIGnz6KGm3Q"


def test_passphrase_is_random_kept_and_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = access.new_passphrase("example")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text()
    assert len(before) > 40
    assert access.new_passphrase("example").read_text() == before
    access.write("example", "file:///state", path)
    assert access.read("example")["PULUMI_BACKEND_URL"] == "file:///state"
    assert access.read("other") == {}


class World(Names):
    """DNS with the PTR records that are given; a resolver that is silent has none to give."""

    server = "192.0.2.53, port 53"

    def __init__(self, values: dict[str, str] | None) -> None:
        self.values = values

    def ask(self, name: str, kind: str) -> Answer:
        if self.values is None:
            return Answer("failed")
        value = self.values.get(name)
        return Answer("found" if value else "missing", (value,) if value else ())


GOOD = """\
fact\trelease\tdebian 12
fact\tuser\t0
fact\tmemory\t2048
fact\tdisk\t20000
fact\taddress\t203.0.113.21
fact\taddress\t2001:db8:2::11
fact\tsystemd\tyes
fact\treach\tmail.example.org:2525 220 mail.example.org ESMTP
fact\treach\tout.test:25 220 out.test ESMTP
fact\tend\t
"""
PTR = {
    "21.113.0.203.in-addr.arpa": "mx1.example.org",
    "1.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa": "mx1.example.org",
}


def faults(out: str, code: int = 0, err: str = "", ptr: dict[str, str] | None = None) -> str:
    world = World(PTR if ptr is None else ptr)
    now = f"fact\ttime\t{time.time():.0f}\n{out}"
    lines = judge_answer(settings(), "mx1", (code, now, err), world, ["out.test:25"])
    return "\n".join(f"{line.what}: {line.cure}" for line in lines if line.level == "fault")


def test_host_that_can_do_it_has_no_fault() -> None:
    assert faults(GOOD) == ""


# What is changed in the answer of a good host, and what must be said.
BROKEN = {
    "another release": (("debian 12", "debian 13"), "write `debian: 13`"),
    "no Debian": (("debian 12", "ubuntu 24.04"), "set up Debian 12 or 13"),
    "too little memory": (("memory\t2048", "memory\t900"), "memory: 900 MiB"),
    "a full disk": (("disk\t20000", "disk\t100"), "free disk below /usr and /var: 100 MiB"),
    "no IPv6 address": (
        ("fact\taddress\t2001:db8:2::11\n", ""),
        "hosts.mx1.ipv6: 2001:db8:2::11 is on none",
    ),
    "no systemd": (("fact\tsystemd\tyes\n", ""), "machine or a VM that runs systemd"),
    "port of the mailbox host closed": (
        ("mail.example.org:2525 220 mail.example.org ESMTP", "mail.example.org:2525 "),
        "the mailbox host mail.example.org:2525 is not reached",
    ),
    "Postfix stopped on a host that was set up": (
        ("fact\tsystemd", "fact\tpostfix\tyes\nfact\tsystemd"),
        "nothing listens on port 25: on the host: systemctl status",
    ),
    "port 25 outward blocked": (
        ("out.test:25 220 out.test ESMTP", "out.test:25 "),
        "port 25 outward seems to be blocked",
    ),
}


@pytest.mark.parametrize("state", BROKEN)
def test_host_that_cannot_do_it_is_a_fault_with_a_cure(state: str) -> None:
    (old, new), words = BROKEN[state]
    assert old in GOOD
    assert words in faults(GOOD.replace(old, new))


@pytest.mark.parametrize(("debian", "unit"), [(12, "postfix@-.service"), (13, "postfix.service")])
def test_stopped_postfix_is_told_with_the_unit_of_the_release(debian: int, unit: str) -> None:
    document = yaml.safe_load(init_file.text(answers()))["config"]["mx:mail"]
    document["hosts"]["mx1"]["debian"] = debian
    out = GOOD.replace("fact\tsystemd", "fact\tpostfix\tyes\nfact\tsystemd")
    lines = judge_answer(from_mapping(document), "mx1", (0, out, ""), World({}), [])
    cures = [line.cure for line in lines if "Postfix does not run" in line.what]
    assert cures == [
        f"on the host: systemctl status {unit}; `mx drift` names what else stopped",
    ]


def test_key_of_another_host_of_the_stack_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two addresses interchanged: nobody is told to write the other host's key there."""
    document = yaml.safe_load(init_file.text(answers()))["config"]["mx:mail"]
    document["hosts"]["mx2"] = document["hosts"]["mx1"] | {
        "hostname": "mx2.example.org",
        "ipv4": "203.0.113.22",
        "ipv6": None,
        "hostKey": OTHER,
    }
    kind, blob = OTHER.split()
    monkeypatch.setattr(ssh_keys, "scan", lambda address, port: {kind: blob})
    line = unreachable(from_mapping(document), "mx1", 255, "Host key verification failed.")
    assert "The stack file pins that key for mx2" in line.what
    assert "hosts.mx1 and hosts.mx2 interchanged?" in line.cure
    assert OTHER not in line.cure


def test_missing_ptr_is_told_and_is_no_fault() -> None:
    lines = judge_answer(settings(), "mx1", (0, GOOD, ""), World({}), [])
    notices = "\n".join(line.what for line in lines if line.level == "notice")
    assert "PTR of 203.0.113.21 is missing; it should be mx1.example.org" in notices


def test_ptr_that_no_resolver_tells_is_not_missing() -> None:
    lines = list(judge_answer(settings(), "mx1", (0, GOOD, ""), World(None), []))
    told = [(line.level, line.what) for line in lines if "PTR" in line.what]
    assert told == [
        (
            "notice",
            f"PTR of {address} was not read: the resolver 192.0.2.53, port 53, is silent or fails",
        )
        for address in ("203.0.113.21", "2001:db8:2::11")
    ]


def test_wrong_host_key_is_told_with_both_fingerprints(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, blob = OTHER.split()
    monkeypatch.setattr(ssh_keys, "scan", lambda address, port: {kind: blob})
    text = faults("", 255, "Host key verification failed.")
    assert ssh_keys.fingerprint(KEY) in text
    assert ssh_keys.fingerprint(OTHER) in text
    assert f"somebody may be in between:\n        hostKey: {OTHER}" in text


def test_login_that_is_refused_is_not_told_as_a_wrong_address() -> None:
    text = faults("", 255, "root@203.0.113.21: Permission denied (publickey).")
    assert text.startswith("the host at 203.0.113.21 refuses the SSH login root: no key is accept")
    assert "authorized_keys" in text


def test_facts_that_are_not_known_are_passed_over() -> None:
    text = "fact\tmemory\tmuch\nfact\tnews\tof a later version\nother\nfact\trelease\tdebian 12"
    found, rest = take(text)
    assert (found.memory, found.release, found.whole, rest) == (0, "debian 12", False, "other")


def test_init_without_anybody_to_ask_names_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "example", "--host", "mx1.example.org,203.0.113.21"]) == USAGE
    assert "give --domain" in capsys.readouterr().err


def test_password_in_the_url_of_the_state_is_refused_before_anything_is_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["init", "fresh", "--backend", "postgres://mx:open-words@db.test/mx"]) == USAGE
    shown = capsys.readouterr().err
    assert "~/.pgpass" in shown
    assert "open-words" not in shown


def test_init_never_writes_over_a_stack_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "production"]) == USAGE
    assert "exists already" in capsys.readouterr().err


def test_host_keys_that_nobody_compared_write_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, blob = KEY.split()
    monkeypatch.setattr(ssh_keys, "scan", lambda address, port: {kind: blob})
    arguments = ["init", "example", "--host", "mx1.example.org,203.0.113.21"]
    arguments += ["--domain", "example.org", "--mailbox-host", "mail.example.org"]
    arguments += ["--zone", f"example.org={'2' * 32}"]
    assert run(arguments) == USAGE
    text = capsys.readouterr()
    assert ssh_keys.fingerprint(KEY) in text.out
    assert "not confirmed; nothing was written" in text.err


def test_login_that_works_and_sudo_that_asks_is_not_told_as_a_host_not_reached() -> None:
    line = unreachable(settings(), "mx1", 1, "sudo: a password is required\n")
    assert line.what == "the login root@203.0.113.21 works, but sudo asks for a password"
    assert "write `root ALL=(ALL) NOPASSWD: ALL` to /etc/sudoers.d/mx" in line.cure


def test_host_command_over_a_wrong_host_key_names_both_fingerprints(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind, blob = OTHER.split()
    monkeypatch.setattr(ssh_keys, "scan", lambda *_: {kind: blob})
    said = "@@@ REMOTE HOST IDENTIFICATION HAS CHANGED! @@@\r\nHost key verification failed."
    monkeypatch.setattr(hosts, "run", lambda *_: {"mx1": (255, "", said)})
    with pytest.raises(Failure) as raised:
        verbs_host.as_root(settings(), "mx1", "true")
    rolled = verb_rollback._trouble(settings(), "example", "mx1", 255, said)
    for text in (str(raised.value), str(rolled)):
        assert text.startswith("mx1: the host at 203.0.113.21 has another")
        assert ssh_keys.fingerprint(KEY) in text
        assert ssh_keys.fingerprint(OTHER) in text
        assert "@@@" not in text


def test_host_with_another_key_is_told_with_both_fingerprints(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind, blob = OTHER.split()
    monkeypatch.setattr(ssh_keys, "scan", lambda *_: {kind: blob})
    both = [ssh_keys.fingerprint(KEY), ssh_keys.fingerprint(OTHER)]
    report = Report(
        "example",
        warnings=["drift of mx1 was not read: Host key verification failed."],
        risks=["mx1: MX could not read the state of the host (Host key ...)."],
    )
    host_keys.in_report(report, settings())
    errors = {"mx1: agent": ["ssh: handshake failed: ssh: host key mismatch"], "DNS: a": ["no"]}
    host_keys.in_errors(errors, settings())
    assert len(report.risks) == 1
    for text in (report.risks[0], report.warnings[0], errors["mx1: agent"][0]):
        assert all(fingerprint in text for fingerprint in both)
        assert "hosts.mx1.hostKey" in text
        assert f"hostKey: {OTHER}" in text
    assert errors["DNS: a"] == ["no"]


def test_state_in_a_folder_of_a_missing_folder_is_refused_before_anything_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", "fresh", "--backend", f"file://{tmp_path}/share/state"]) == USAGE
    assert f"there is no folder {tmp_path}/share" in capsys.readouterr().err
    state.check(f"file://{tmp_path}/state?metadata=skip")


def test_ipv6_is_taken_from_dns_else_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {socket.AF_INET: "203.0.113.21", socket.AF_INET6: "2001:db8:2::11"}
    monkeypatch.setattr(
        "tools.mx.init_questions._address", lambda name, family: found.get(family, "")
    )
    given: dict[str, object] = {
        **dict.fromkeys(("given", "domains", "recipients", "mynetworks", "zones"), ()),
        "mailbox_host": "mail.example.org",
        "ssh_user": "root",
        "ssh_port": 22,
        "ssh_key": "",
    }
    person = Said(Names="mx1.example.org", domains="example.org", IPv6="2001:db8:2::12")
    assert asked(person, given).hosts[0].ipv6 == "2001:db8:2::11"
    del found[socket.AF_INET6]
    assert asked(person, given).hosts[0].ipv6 == "2001:db8:2::12"
    assert asked(Said(Names="mx1.example.org", domains="example.org"), given).hosts[0].ipv6 == ""


def test_answers_of_an_init_that_failed_can_be_given_again_in_one_line() -> None:
    words = shlex.split(init_file.call("example", answers()).replace("\\\n", ""))
    with mx.make_context("mx", words[1:]) as context:
        name, command, rest = mx.resolve_command(context, words[1:])
    assert (name, command) == ("init", mx.commands["init"])
    given = mx.commands["init"].make_context("init", rest).params
    assert given.pop("accept_terms") is False
    assert given["backend"] == "s3://states"
    again = asked(Asking(), given)
    assert [host.ipv6 for host in again.hosts] == ["2001:db8:2::11", ""]
    for host, was in zip(again.hosts, answers().hosts, strict=True):
        host.host_key, host.debian = was.host_key, was.debian
    assert again == replace(answers(), backend="")


def test_ctrl_c_at_a_question_keeps_what_was_answered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = iter(["mx1.example.org mx2.example.org", "203.0.113.21", "none", "203.0.113.22"])

    def typed(_: str) -> str:
        try:
            return next(lines)
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr("click.termui.visible_prompt_func", typed)
    monkeypatch.setattr("tools.mx.init_questions._address", lambda name, family: "")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(ssh_keys, "scan", lambda *_: {"ssh-ed25519": "AAAA"})
    options = ["--ssh-user", "operator", "--accept-terms", "--zone", f"example.org={'2' * 32}"]
    assert run(["init", "fresh", "--domain", "example.org", *options]) == INTERRUPTED
    assert capsys.readouterr().err.split("given so far:\n")[1] == (
        "scripts/mx init fresh \\\n  --host mx1.example.org,203.0.113.21 \\\n"
        "  --host mx2.example.org,203.0.113.22 \\\n"
        f"  --domain example.org \\\n  --zone example.org={'2' * 32} \\\n"
        "  --ssh-user operator \\\n  --accept-terms\n\n"
        "mx: ended by Ctrl-C; nothing was changed\n"
    )


def test_command_to_go_on_stands_below_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(ssh_keys, "scan", lambda *_: {})
    host = "mx1.example.org,203.0.113.21,2001:db8:2::11"
    options = ["--ssh-user", "root", "--host", host, "--recipient", "ann", "--accept-terms"]
    options += ["--mailbox-host", "mail.example.org", "--zone", f"example.org={'2' * 32}"]
    assert run(["init", "fresh", "--domain", "example.org", *options]) == FAILED
    reason, _, again = capsys.readouterr().err.partition("given so far:\n")
    assert "shows no SSH host key on port 22" in reason
    assert again.startswith("scripts/mx init fresh \\\n")
    assert f"--host {host}" in again


def test_wrong_option_is_told_before_the_first_question(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("tools.mx.answers.Asking.words", None)
    assert run(["init", "fresh", "--zone", "example.org=123"]) == USAGE
    assert "'123' is no zone ID" in capsys.readouterr().err
    assert run(["init", "fresh", "--backend", "/srv/state"]) == USAGE
    assert "a folder is file:///srv/state" in capsys.readouterr().err


def test_second_up_hears_of_the_lock_before_it_shows_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    locks = tmp_path / ".pulumi" / "locks" / "organization" / "mx" / "production"
    locks.mkdir(parents=True)
    held = {"pid": 77, "username": "ann", "hostname": "desk", "timestamp": "2026-11-01T02:03:04Z"}
    (locks / "one.json").write_text(json.dumps(held))
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}?metadata=skip")
    monkeypatch.setattr(engine, "install", lambda: None)
    monkeypatch.setattr(verbs_apply, "plan", None)
    assert run(["up", "production", "--yes"]) == FAILED
    shown = capsys.readouterr().err
    assert "The lock was made by ann@desk, process 77, at 2026-11-01T02:03:04 UTC." in shown
    assert "mx pulumi production cancel --yes" in shown
    (locks / "one.json").write_text("[]")
    state.locked("production")
    other = tmp_path / ".pulumi" / "locks" / "organization" / "another-project" / "production"
    other.mkdir(parents=True)
    (other / "one.json").write_text(json.dumps(held))
    state.locked("production")


def test_lock_of_a_run_that_was_killed_is_told_as_such_and_stops_no_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks = tmp_path / ".pulumi" / "locks" / "organization" / "mx" / "production"
    locks.mkdir(parents=True)
    gone = subprocess.Popen(["true"])
    gone.wait()
    held = {"pid": gone.pid, "username": "ann", "hostname": socket.gethostname()}
    held["timestamp"] = "2026-11-01T02:03:04.123456789Z"
    (locks / "one.json").write_text(json.dumps(held))
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    with pytest.raises(Failure) as caught:
        state.locked("production")
    assert str(caught.value).startswith(
        f"A run of the engine that has ended left the lock of production. The lock was made by "
        f"ann@{socket.gethostname()}, process {gone.pid}, at 2026-11-01T02:03:04 UTC.\n"
    )
    state.locked("production", left=False)
    (locks / "one.json").write_text(json.dumps(held | {"pid": os.getpid()}))
    with pytest.raises(Failure, match="Another run of the engine holds the lock"):
        state.locked("production", left=False)


def test_preview_says_that_another_run_is_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "install", lambda: None)
    monkeypatch.setattr(verbs_look, "plan", lambda *_: Report("production"))
    for holder, told in (
        ("ann@desk (pid 7) at noon", True),
        ("ann@desk ended", False),
        ("", False),
    ):
        monkeypatch.setattr(state, "holder", lambda _, by=holder: by)
        assert run(["preview", "production"]) == OK
        said = "ann@desk (pid 7) at noon runs the engine for production now"
        assert (said in capsys.readouterr().err) == told
