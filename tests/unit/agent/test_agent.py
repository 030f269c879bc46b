"""The agent below a temporary root, with commands that pretend."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.agent import files, paths, transaction
from components.agent import main as cli
from components.agent.journal import Journal
from components.agent.manifest import parse_manifest
from components.agent.process import BadManifest, Failure, Result
from components.agent.verbs import Agent
from tests.support.agent_host import (
    GROUP,
    USER,
    Host,
    Json,
    Staged,
    file,
    mail,
    manifest,
    snapshot,
)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"bundle": "Bad"}, "bundle"),
        ({"extra": 1}, "unknown key 'extra'"),
        ({"files": {"/etc/../x": {"content": ""}}}, "normal absolute path"),
        ({"files": {"/etc/x": {"content": "", "mode": "644"}}}, "octal"),
        ({"files": {"/etc/x": {"content": "", "colour": "red"}}}, "unknown key 'colour'"),
        ({"files": {"/etc/x": {}}}, "'content' is missing"),
        ({"files": {"/var/lib/mx-agent/x": {"content": ""}}}, "agent itself"),
        ({"check": [{"run": []}]}, "program"),
        ({"check": [{"run": ["x"], "fail_on_output": "("}]}, "regular expression"),
        ({"probe": [{"tcp": "host"}]}, "host:port"),
        ({"probe": [{"unit": "a", "run": ["b"]}]}, "exactly one"),
        ({"units": {"a b": {}}}, "unit name"),
        ({"packages": ["-x"]}, "package name"),
        ({"groups": {"a b": ["c"]}}, "user or a group"),
        ({"groups": {"a": "b"}}, "list of strings"),
        ({"run": [{"stdin": ""}]}, "'run' is missing"),
        ({"compare": [{"run": ["x"]}]}, "'name' is missing"),
        ({"run": [{"run": ["x"], "timeout": 0}]}, "between 0 and 3600"),
        ({"run": [{"run": ["x"], "creates": "x"}]}, "normal absolute path"),
        (
            {
                "files": {"/etc/x": {"content": ""}},
                "assemble": {"/etc/x": {"directory": "/etc/x.d"}},
            },
            "declared twice",
        ),
    ],
)
def test_bad_manifests_are_refused(change: Json, word: str) -> None:
    document = {"bundle": "one", "owner": "me", **change}
    with pytest.raises(BadManifest, match=word):
        parse_manifest(json.dumps(document))


def test_exit_codes(agent: Staged, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["version"], agent) == 0
    assert cli.main(["nonsense"], agent) == 2
    assert cli.main(["remove", "Bad"], agent) == 2
    assert cli.main(["status", "absent"], agent) == 1
    assert "absent" in capsys.readouterr().err


def test_apply_again_update_and_remove(root: Path, host: Host, agent: Staged) -> None:
    (root / "etc/postfix").mkdir()
    (root / "etc/postfix/main.cf").write_text("original\n")
    (root / "etc/postfix/main.cf").chmod(0o600)
    (root / "etc/postfix/relay").symlink_to("elsewhere")
    before = snapshot(root)
    agent.apply(mail(agent))
    assert (root / "etc/postfix/main.cf").read_text() == "a\nb\n"
    assert (root / "etc/postfix/relay.db").read_text() == "map:b\n"
    assert stat.S_IMODE((root / "etc/postfix/relay").stat().st_mode) == 0o640
    assert host.did("enable") == host.did("start") == ["postfix.service"]
    assert not [name for name in snapshot(root) if ".mx-agent" in name]

    applied = snapshot(root)
    host.calls.clear()
    agent.apply(mail(agent))
    assert snapshot(root) == applied
    assert not host.did("reload") + host.did("restart") + host.did("start")

    agent.apply(mail(agent, "c\n"))
    assert (root / "etc/postfix/main.cf").read_text() == "a\nc\n"
    assert host.did("reload") == ["postfix.service"]
    assert not host.did("restart")

    agent.remove("one")
    after = snapshot(root)
    state = [name for name in after if name.startswith("var/lib/mx-agent/")]
    assert sorted(state) == ["var/lib/mx-agent/bundles", "var/lib/mx-agent/originals"]
    assert {n: v for n, v in after.items() if "mx-agent" not in n} == before
    assert host.read()["postfix.service"]["active"] is False
    assert host.read()["postfix.service"]["enabled"] is False


def test_restart_when_and_restart_of_a_file(root: Path, host: Host, agent: Staged) -> None:
    def text(version: str, content: str) -> str:
        return manifest(
            files={"/etc/key": file(content, restart=["stunnel.service"])},
            units={"stunnel.service": {"restart_when": version}},
        )

    host.unit("stunnel.service", enabled=True, active=True)
    agent.apply(text("1", "x"))
    host.calls.clear()
    agent.apply(text("2", "x"))
    assert host.did("restart") == ["stunnel.service"]
    host.calls.clear()
    agent.apply(text("2", "y"))
    assert host.did("restart") == ["stunnel.service"]
    agent.remove("one")
    assert host.read()["stunnel.service"]["active"]
    assert host.read()["stunnel.service"]["enabled"]


def test_a_path_that_leaves_the_manifest(root: Path, agent: Staged) -> None:
    (root / "etc/kept").write_text("was here")
    agent.apply(manifest(files={"/etc/kept": file("x"), "/etc/new/deep": file("y")}))
    assert (root / "etc/new/deep").read_text() == "y"
    agent.apply(manifest(files={"/etc/other": file("z")}))
    assert (root / "etc/kept").read_text() == "was here"
    assert not (root / "etc/new").exists()


def test_two_bundles_share_an_assembled_file(root: Path, host: Host, agent: Staged) -> None:
    shared = {"/etc/main.cf": {"directory": "/etc/main.d", "owner": USER, "group": GROUP}}
    units: Json = {"postfix.service": {}}
    (root / "etc/main.cf").write_text("original")
    agent.apply(
        manifest("a", files={"/etc/main.d/1.cf": file("1\n")}, assemble=shared, units=units)
    )
    agent.apply(
        manifest("b", files={"/etc/main.d/2.cf": file("2\n")}, assemble=shared, units=units)
    )
    assert (root / "etc/main.cf").read_text() == "1\n2\n"
    assert agent.status()["bundles"]["a"]["drift"] == []
    agent.remove("a")
    assert (root / "etc/main.cf").read_text() == "2\n"
    assert host.read()["postfix.service"]["active"]
    agent.remove("b")
    assert (root / "etc/main.cf").read_text() == "original"
    assert not (root / "etc/main.d").exists()
    assert not host.read()["postfix.service"]["active"]


def test_owners(agent: Staged) -> None:
    agent.apply(manifest(files={"/etc/x": file("x")}))
    with pytest.raises(Failure, match=r"'org/mx/lab'.*'org/mx/prod'"):
        agent.apply(manifest("two", owner="org/mx/prod"))
    with pytest.raises(Failure, match="already belongs to bundle 'one'"):
        agent.apply(manifest("two", files={"/etc/x": file("y")}))


@pytest.mark.parametrize(
    "check",
    [
        {"run": ["words", "1", "", "broken line 7"]},
        {"run": ["words", "0", "", "broken line 7"], "fail_on_stderr": True},
        {"run": ["words", "0", "broken line 7", ""], "fail_on_output": "^broken"},
    ],
)
def test_a_failed_check_changes_nothing(root: Path, agent: Staged, check: Json) -> None:
    agent.apply(manifest(files={"/etc/x": file("x")}))
    before = snapshot(root)
    with pytest.raises(Failure, match="broken line 7"):
        agent.apply(manifest(files={"/etc/x": file("y")}, check=[check]))
    assert snapshot(root) == before


def test_a_failed_probe_brings_the_old_state_back(root: Path, host: Host, agent: Staged) -> None:
    agent.apply(mail(agent))
    before, inode = snapshot(root), (root / "etc/postfix/main.cf").stat().st_ino
    host.calls.clear()
    failing = json.loads(mail(agent, "c\n"))
    failing["files"]["/etc/extra/file"] = file("e")
    failing["probe"] = [{"run": ["smtp-probe"], "timeout": 0.3}]
    host.answers["smtp-probe"] = Result(1, "", "451 no")
    with pytest.raises(Failure, match=r"451 no[\s\S]*the old state is back"):
        agent.apply(json.dumps(failing))
    assert snapshot(root) == before
    assert (root / "etc/postfix/main.cf").stat().st_ino == inode
    assert host.did("reload") == ["postfix.service"]
    # Not by a reload once more: master(8) would hold back what died for another minute.
    assert host.did("restart") == ["postfix.service"]


def test_a_failed_first_start_is_undone(root: Path, host: Host, agent: Staged) -> None:
    agent.prepare_state()
    before = snapshot(root)
    host.answers["systemctl start"] = Result(1, "", "Job failed")
    with pytest.raises(Failure, match="Job failed"):
        agent.apply(mail(agent))
    assert snapshot(root) == before
    assert not host.read()["postfix.service"]["enabled"]


def test_secrets_are_not_printed(
    root: Path, agent: Staged, capsys: pytest.CaptureFixture[str]
) -> None:
    text = manifest(
        files={"/etc/key": file("hunter2secret\n", "0600", secret=True)},
        check=[{"run": ["show-file", "/etc/key"]}],
    )
    (root / "m").write_text(text)
    with pytest.raises(Failure) as caught:
        agent.apply(text)
    agent.warn(str(caught.value))
    said = capsys.readouterr()
    assert "hunter2secret" not in said.out + said.err
    assert "[secret]" in said.err
    agent.apply(manifest(files={"/etc/key": file("hunter2secret\n", "0600", secret=True)}))
    for path in (root / "var/lib/mx-agent").rglob("*.json"):
        assert "hunter2secret" not in path.read_text()


def test_no_space(root: Path, agent: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    agent.apply(manifest(files={"/etc/x": file("x")}))
    before = snapshot(root)
    place = files.place

    def full(real: Path, want: files.Want) -> None:
        if ".mx-agent-" in real.name:
            raise OSError(errno.ENOSPC, "No space left on device", str(real))
        place(real, want)

    monkeypatch.setattr(transaction, "place", full)
    with pytest.raises(Failure, match=r"no space left on device[\s\S]*nothing has been changed"):
        agent.apply(manifest(files={"/etc/x": file("y")}))
    assert snapshot(root) == before


def test_packages(root: Path, host: Host, agent: Staged) -> None:
    text = manifest(packages=["postfix"], debconf=["postfix postfix/main_mailer_type select none"])
    agent.apply(text)
    apt = [argv for argv in host.calls if argv[0] == "apt-get"]
    assert [argv[-1] for argv in apt] == ["update", "clean", "postfix"]
    assert "Dpkg::Options::=--force-confold" in apt[-1]
    assert ["debconf-set-selections"] in host.calls
    host.calls.clear()
    agent.apply(text)
    assert not [argv for argv in host.calls if argv[0] in ("apt-get", "debconf-set-selections")]


def test_status_tells_drift(root: Path, host: Host, agent: Staged) -> None:
    agent.apply(mail(agent))
    assert agent.status("one")["bundles"]["one"]["drift"] == []
    (root / "etc/postfix/relay").write_text("by hand")
    (root / "etc/postfix/main.cf.d/99-mine.cf").write_text("stray\n")
    host.unit("postfix.service", enabled=True, active=False)
    stopped = "Sat 2026-11-28 03:12:07 UTC"
    host.answers["systemctl show --timestamp=utc"] = Result(0, f"{stopped}\n", "")
    drift = agent.status("one")["bundles"]["one"]["drift"]
    diff = ["@@ -1 +1 @@", "-b", "+by hand"]
    assert {"path": "/etc/postfix/relay", "what": "content changed", "diff": diff} in drift
    assert {"path": "/etc/postfix/main.cf.d/99-mine.cf", "what": "belongs to no bundle"} in drift
    assert {"unit": "postfix.service", "what": f"not active since {stopped}"} in drift
    agent.apply(mail(agent))
    assert agent.status("one")["bundles"]["one"]["drift"] == []
    assert (root / "etc/postfix/relay").read_text() == "b\n"


def test_uninstall_only_when_nothing_is_applied(root: Path, agent: Staged) -> None:
    agent.install_self()
    assert (root / paths.RECOVER_PATH.lstrip("/")).read_text() == paths.RECOVER_TEXT
    agent.apply(manifest(files={"/etc/x": file("x")}))
    with pytest.raises(Failure, match="still applied: one"):
        agent.uninstall()
    agent.remove("one")
    agent.uninstall()
    assert not (root / "var/lib/mx-agent").exists()
    assert not (root / paths.RECOVER_PATH.lstrip("/")).exists()


def child(work: Callable[[], None]) -> int:
    """Run work in a process of its own and return how it ended."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def test_the_lock_is_waited_for_but_not_for_ever(root: Path, agent: Staged) -> None:
    other = Staged(root, agent.run)
    other.lock_wait = 0.3
    with agent.lock(), pytest.raises(Failure, match=f"process {os.getpid()}"):
        other.apply(manifest())


STEPS = ["stage", "checked", "copy", "journal", "swap", "restart", "reload", "probe"]
STEPS += ["record", "done"]
CUTS = [*[(step, 0) for step in STEPS], *[("rename", n) for n in range(1, 12)]]


@pytest.mark.parametrize("guardian", [True, False])
@pytest.mark.parametrize(("cut", "count"), CUTS)
def test_killed_anywhere(
    root: Path,
    host: Host,
    agent: Staged,
    monkeypatch: pytest.MonkeyPatch,
    cut: str,
    count: int,
    guardian: bool,
) -> None:
    """Whatever the kill hits, the host ends in the old or the new state, never between."""
    (root / "etc/seen").write_text("before")
    host.unit("sshd.service", enabled=True, active=True)
    first = json.loads(mail(agent))
    first["units"]["sshd.service"] = {"restart_when": "1"}
    agent.apply(json.dumps(first))
    second = json.loads(mail(agent, "c\n"))
    second["files"]["/etc/deep/er/new"] = file("n")
    second["files"]["/etc/seen"] = file("after")
    second["units"]["sshd.service"] = {"restart_when": "2"}
    del second["files"]["/etc/postfix/main.cf.d/10-a.cf"]
    old = snapshot(root)

    class Killed(Staged):
        def step(self, name: str, detail: str = "") -> None:
            if name == cut:
                os.kill(os.getpid(), signal.SIGKILL)

        def start_guardian(self) -> Callable[[], None]:
            return super().start_guardian() if guardian else lambda: None

    def work() -> None:
        real, left = os.rename, [count]

        def rename(source: Any, target: Any, **options: Any) -> None:
            real(source, target, **options)
            left[0] -= 1
            if left[0] == 0 and cut == "rename":
                os.kill(os.getpid(), signal.SIGKILL)

        # The guardian is a fork of this process: it must not be killed by the same trap.
        fork = os.fork

        def forked() -> int:
            pid = fork()
            if pid == 0:
                os.rename = real
                Killed.step = Agent.step  # type: ignore[method-assign]
            return pid

        monkeypatch.setattr(os, "rename", rename)
        monkeypatch.setattr(os, "fork", forked)
        Killed(root, host).apply(json.dumps(second))

    status = child(work)
    assert os.WIFSIGNALED(status) or cut == "rename"
    if guardian:
        with agent.lock():
            pass
        assert not agent.journal_path.exists()
    agent.recover()
    now = snapshot(root)
    assert not [name for name in now if ".mx-agent" in name]
    assert not agent.journal_path.exists()
    if now != old:
        assert (cut, count) in (("done", 0), ("rename", 11)) or not os.WIFSIGNALED(status)
        assert (root / "etc/seen").read_text() == "after"
        assert (root / "etc/postfix/main.cf").read_text() == "c\n"
    assert host.read()["postfix.service"]["active"]
    agent.apply(json.dumps(second))
    assert (root / "etc/postfix/main.cf").read_text() == "c\n"
    assert agent.status()["bundles"]["one"]["drift"] == []
    agent.remove("one")
    assert (root / "etc/seen").read_text() == "before"
    assert not (root / "etc/deep").exists()


def test_killed_while_undoing(root: Path, host: Host, agent: Staged) -> None:
    agent.apply(mail(agent))
    old = snapshot(root)
    host.answers["systemctl reload"] = Result(1, "", "no")

    class Killed(Staged):
        def _undo_units(self, journal: Journal) -> list[str]:
            os.kill(os.getpid(), signal.SIGKILL)
            return []

        def start_guardian(self) -> Callable[[], None]:
            return lambda: None

    assert os.WIFSIGNALED(child(lambda: Killed(root, host).apply(mail(agent, "c\n"))))
    assert agent.journal_path.exists()
    agent.recover(boot=True)
    assert snapshot(root) == old


def test_a_closed_pipe_does_not_stop_the_work(root: Path, host: Host, agent: Staged) -> None:
    def work() -> None:
        read, write = os.pipe()
        os.close(read)
        os.dup2(write, 1)
        os.dup2(write, 2)
        sys.stdout = os.fdopen(1, "w")
        Staged(root, host).apply(manifest(files={"/etc/x": file("x")}))

    assert child(work) == 0
    assert (root / "etc/x").read_text() == "x"


def test_sigterm_undoes(root: Path, host: Host, agent: Staged) -> None:
    agent.apply(mail(agent))
    old = snapshot(root)

    class Stopped(Staged):
        def step(self, name: str, detail: str = "") -> None:
            if name == "reload":
                os.kill(os.getpid(), signal.SIGHUP)
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(5)

    def work() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, cli._on_signal)
        Stopped(root, host).apply(mail(agent, "c\n"))

    assert os.waitstatus_to_exitcode(child(work)) == 1
    assert snapshot(root) == old


def test_a_failure_is_noted_until_a_change_succeeds(host: Host, agent: Staged) -> None:
    agent.apply(mail(agent))
    failing = json.loads(mail(agent, "c\n"))
    failing["probe"] = [{"run": ["smtp-probe"], "timeout": 0.2}]
    host.answers["smtp-probe"] = Result(1, "", "451 no")
    with pytest.raises(Failure):
        agent.apply(json.dumps(failing))
    assert list(agent.status()["failed"]) == ["one"]
    agent.apply(mail(agent))
    assert agent.status()["failed"] == {}


def test_a_look_at_all_bundles_asks_once(root: Path, host: Host, agent: Staged) -> None:
    agent.apply(manifest("one", packages=["one", "both"], units={"one.service": {}}))
    agent.apply(manifest("two", packages=["two", "both"], units={"two.service": {}}))
    (root / "packages/two").unlink()
    host.unit("one.service", enabled=True)
    host.calls.clear()
    bundles = agent.status()["bundles"]
    assert [each["what"] for each in bundles["one"]["drift"]] == ["not active"]
    assert [each["what"] for each in bundles["two"]["drift"]] == ["not installed"]
    verbs = [argv[1] for argv in host.calls if argv[0] == "systemctl"]
    assert verbs == ["is-enabled", "is-active", "show"]
    assert [argv[0] for argv in host.calls].count("dpkg-query") == 1


def test_systemd_252_has_no_line_for_a_unit_without_a_file(host: Host, agent: Staged) -> None:
    host.unit("one.service", enabled=True, active=True)
    host.answers["systemctl is-enabled gone.service one.service"] = Result(1, "enabled\n", "")
    host.answers["systemctl is-enabled gone.service"] = Result(1, "", "Failed to get unit file")
    states = agent.unit_states(["gone.service", "one.service"])
    assert [state.enabled for state in states.values()] == [False, True]


def test_a_new_file_is_two_seconds_old(root: Path, agent: Staged) -> None:
    """Postfix reads main.cf again and again until it is older than a second."""
    agent.apply(manifest(files={"/etc/main.cf": file("a\n")}))
    assert (root / "etc/main.cf").stat().st_mtime < time.time() - 1.9
