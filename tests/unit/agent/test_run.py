"""The agent's `run` and `groups`: commands on the real system, users in groups, and both undone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.agent.process import Failure, Result
from tests.support.agent_host import Host, Staged, file, manifest


class Users(Host):
    """A host with users in groups, and a command that makes a file."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.members: list[list[str]] = []
        self.inputs: list[bytes | None] = []

    def __call__(self, argv: list[str], stdin: bytes | None, timeout: float) -> Result:
        done = super().__call__(argv, stdin, timeout)
        if argv[0] == "id":
            groups = [group for user, group in self.members if user == argv[-1]]
            return Result(0, " ".join([argv[-1], *groups]) + "\n", "")
        if argv[0] == "usermod":
            self.members.append([argv[-1], argv[3]])
        if argv[0] == "gpasswd":
            self.members.remove(argv[2:])
        if argv[0] == "migrate":
            self.inputs.append(stdin)
        if argv[0] == "keygen":
            (self.root / argv[1].lstrip("/")).write_text("key")
        return done

    def count(self, program: str) -> int:
        return sum(argv[0] == program for argv in self.calls)


@pytest.fixture
def users(root: Path, agent: Staged) -> Users:
    users = Users(root)
    agent.run = users
    return users


def steps(content: str = "1\n") -> str:
    return manifest(
        files={"/etc/a": file(content)},
        units={"db.service": {}},
        run=[
            {"run": ["migrate"], "stdin": "create table\n"},
            {"run": ["keygen", "/etc/key"], "creates": "/etc/key"},
        ],
        probe=[{"run": ["ask"], "timeout": 1}],
    )


def test_commands_run_after_the_units_and_before_the_probe(
    root: Path, users: Users, agent: Staged
) -> None:
    agent.apply(steps())
    order = [argv[0] if argv[0] != "systemctl" else argv[1] for argv in users.calls]
    wanted = [word for word in order if word in ("start", "migrate", "keygen", "ask")]
    assert wanted == ["start", "migrate", "keygen", "ask"]
    assert users.inputs == [b"create table\n"]

    users.calls.clear()
    agent.apply(steps())
    assert users.count("migrate") == users.count("keygen") == 0

    agent.apply(steps("2\n"))
    assert users.count("migrate") == 1
    assert users.count("keygen") == 0  # what it creates is there

    (root / "etc/key").unlink()
    assert agent.status("one")["bundles"]["one"]["drift"] == [
        {"path": "/etc/key", "what": "missing"}
    ]
    agent.apply(steps("2\n"))
    assert users.count("keygen") == 1


def test_a_command_that_fails_brings_the_files_back_and_runs_again(
    root: Path, users: Users, agent: Staged
) -> None:
    agent.apply(steps())
    users.answers["migrate"] = Result(1, "", "ERROR 1064: syntax")
    with pytest.raises(Failure, match=r"run migrate: ERROR 1064: syntax\nall undone"):
        agent.apply(steps("2\n"))
    assert (root / "etc/a").read_text() == "1\n"
    del users.answers["migrate"]
    assert agent.status("one")["bundles"]["one"]["drift"][0]["run"] == "one"

    users.calls.clear()
    agent.apply(steps())  # the manifest on record: the commands of the failed one ran meanwhile
    assert users.count("migrate") == 1
    assert agent.status("one")["bundles"]["one"]["drift"] == []


def test_a_command_must_create_what_it_says(users: Users, agent: Staged) -> None:
    with pytest.raises(Failure, match="did not create /etc/none"):
        agent.apply(manifest(run=[{"run": ["true"], "creates": "/etc/none"}]))


def test_secret_input_is_not_said(
    users: Users, agent: Staged, capsys: pytest.CaptureFixture[str]
) -> None:
    users.answers["migrate"] = Result(0, "the word is hunter22\n", "")
    agent.apply(manifest(run=[{"run": ["migrate"], "stdin": "hunter22\n", "secret": True}]))
    assert "the word is [secret]" in capsys.readouterr().out


def test_undo_runs_before_the_files_go(root: Path, users: Users, agent: Staged) -> None:
    text = manifest(files={"/etc/a": file("1\n")}, undo=[{"run": ["drop"]}])
    agent.apply(text)
    assert users.count("drop") == 0
    users.answers["drop"] = Result(1, "", "server has gone away")
    with pytest.raises(Failure, match="run drop: server has gone away"):
        agent.remove("one")
    assert (root / "etc/a").exists()
    del users.answers["drop"]
    agent.remove("one")
    assert not (root / "etc/a").exists()
    assert users.count("drop") == 2


def test_what_a_comparison_prints_is_drift_until_it_is_silent(users: Users, agent: Staged) -> None:
    text = manifest(
        files={"/etc/a": file("1\n")},
        run=[{"run": ["migrate"]}],
        compare=[{"name": "rows", "run": ["compare-rows"]}],
    )
    agent.apply(text)
    assert agent.status("one")["bundles"]["one"]["drift"] == []

    users.answers["compare-rows"] = Result(0, "-row alice\n+row mallory\n", "")
    diff = ["-row alice", "+row mallory"]
    assert agent.status("one")["bundles"]["one"]["drift"] == [
        {"compare": "rows", "what": "differs", "diff": diff}
    ]
    agent.apply(text)
    assert users.count("migrate") == 2

    users.answers["compare-rows"] = Result(1, "", "no server")
    [told] = agent.status("one")["bundles"]["one"]["drift"]
    assert told == {"compare": "rows", "what": "not compared: no server"}
    del users.answers["compare-rows"]
    agent.apply(text)
    assert users.count("migrate") == 2


def grouped(*groups: str, **more: Any) -> str:
    return manifest(groups={"postfix": list(groups)}, units={"db.service": {}}, **more)


def test_groups_are_joined_and_left(users: Users, agent: Staged) -> None:
    users.members = [["postfix", "sasl"]]
    agent.apply(grouped("sasl", "filter"))
    assert users.members == [["postfix", "sasl"], ["postfix", "filter"]]

    users.calls.clear()
    agent.apply(grouped("sasl", "filter", "more"))
    assert users.did("restart") == ["db.service"]

    users.members.remove(["postfix", "more"])
    assert agent.status("one")["bundles"]["one"]["drift"] == [
        {"group": "more", "what": "postfix is not in it"}
    ]
    agent.apply(grouped("sasl", "filter", "more"))
    agent.apply(grouped("filter"))
    assert users.members == [["postfix", "sasl"], ["postfix", "filter"]]
    agent.remove("one")
    assert users.members == [["postfix", "sasl"]]  # that one was there before


def test_groups_of_a_failed_change_are_left(users: Users, agent: Staged) -> None:
    agent.apply(grouped("filter"))
    users.answers["ask"] = Result(1, "", "no")
    with pytest.raises(Failure, match="probe ask: no"):
        agent.apply(grouped("filter", "more", probe=[{"run": ["ask"], "timeout": 0.1}]))
    assert users.members == [["postfix", "filter"]]
    with pytest.raises(Failure, match="check words"):
        agent.apply(grouped("more", check=[{"run": ["words", "1", "", "bad"]}]))
    assert users.members == [["postfix", "filter"]]


def test_groups_of_a_killed_change_are_left(users: Users, agent: Staged) -> None:
    with agent.lock():
        agent.join_groups({"postfix": ["filter"]})  # and then the agent is killed
    agent.recover()
    assert users.members == []
    assert json.loads((agent.state / "groups.json").read_text()) == []


def test_a_rollback_that_the_stack_has_followed_is_no_drift(agent: Staged, users: Users) -> None:
    first = manifest(files={"/etc/a": file("1\n")})
    agent.apply(first)
    agent.apply(manifest(files={"/etc/a": file("2\n")}))
    agent.rollback("one")
    [told, changed] = agent.status("one")["bundles"]["one"]["drift"]
    assert told["what"].startswith("rolled back by hand at ")
    assert changed["diff"][-2:] == ["-2", "+1"]
    agent.apply(first)
    assert agent.status("one")["bundles"]["one"]["drift"] == []


def test_words_of_an_undo_name_the_commands_that_had_run(agent: Staged, users: Users) -> None:
    users.answers["ask"] = Result(1, "", "no answer")
    with pytest.raises(Failure, match=r"what `migrate`, `keygen /etc/key` did stays until the"):
        agent.apply(steps())
    users.answers = {"migrate": Result(1, "", "refused")}
    with pytest.raises(Failure, match="all undone, the old state is back"):
        agent.apply(steps())


def ordering() -> str:
    return manifest(
        files={"/etc/a": file("1\n")},
        run=[{"run": ["order"], "unlocked": True}, {"run": ["tidy"]}],
        undo=[{"run": ["forget"]}],
        probe=[{"run": ["ask"], "timeout": 1}],
    )


class Watched(Users):
    """Applies another bundle while the command `order` works, and says how that went."""

    agent: Staged
    seen: Any = None

    def __call__(self, argv: list[str], stdin: bytes | None, timeout: float) -> Result:
        if argv[0] == "order" and self.seen is None:
            status = self.agent.status("one")
            assert status["busy"]
            self.seen = status["bundles"]["one"]["drift"]
            beside = Staged(self.root, Host(self.root))
            beside.lock_wait = 0
            beside.apply(manifest("two", files={"/etc/b": file("2\n")}))
        return super().__call__(argv, stdin, timeout)


@pytest.fixture
def watched(root: Path, agent: Staged) -> Watched:
    watched = Watched(root)
    agent.run, watched.agent = watched, agent
    return watched


def test_an_unlocked_command_of_a_new_bundle_lets_other_bundles_be_applied(
    root: Path, watched: Watched, agent: Staged
) -> None:
    agent.apply(ordering())
    assert (root / "etc/b").read_text() == "2\n"
    order = [argv[0] for argv in watched.calls if argv[0] in ("order", "tidy", "ask")]
    assert order == ["ask", "order", "tidy"]
    assert watched.seen[0]["what"] == "a change runs its commands now"
    assert agent.status("one")["bundles"]["one"]["drift"] == []

    watched.calls.clear()
    agent.apply(ordering())
    assert watched.count("order") == 0


def test_an_unlocked_command_that_fails_removes_its_new_bundle_and_no_other(
    root: Path, watched: Watched, agent: Staged
) -> None:
    watched.answers["order"] = Result(1, "", "the authority is closed")
    words = "run order: the authority is closed\nall undone, the old state is back"
    with pytest.raises(Failure, match=words):
        agent.apply(ordering())
    assert not (root / "etc/a").exists()
    assert (root / "etc/b").read_text() == "2\n"
    assert watched.count("forget") == 1
    status = agent.status()
    assert list(status["bundles"]) == ["two"]
    assert list(status["failed"]) == ["one"]

    del watched.answers["order"]
    agent.apply(ordering())
    assert (root / "etc/a").exists()
    assert agent.status()["failed"] == {}


def test_an_unlocked_command_keeps_the_lock_where_the_bundle_was_applied_before(
    watched: Watched, agent: Staged
) -> None:
    agent.apply(ordering())
    watched.seen = None
    with pytest.raises(Failure, match="another call of the agent"):
        agent.apply(ordering().replace("1\\n", "2\\n"))


def test_an_agent_killed_in_an_unlocked_command_leaves_drift_and_the_next_apply_runs_it(
    watched: Watched, agent: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(name: str, steps: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(agent, "_run_unlocked", killed)
        with pytest.raises(Killed):
            agent.apply(ordering())
    status = agent.status("one")
    assert not status["busy"]
    (drift,) = status["bundles"]["one"]["drift"]
    assert drift["what"] == "a change ran commands, and not all of them succeeded"
    watched.seen = []  # the bundle is on record: with the lock
    agent.apply(ordering())
    assert watched.count("order") == 1
    assert agent.status("one")["bundles"]["one"]["drift"] == []
