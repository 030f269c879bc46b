"""A host that is lost for good leaves the stack as `mx forget` does it (docs/lost-host.md)."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from tools.mx import engine, lost, state

from .conftest import Project

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi
import pulumi_command as command

class Group(pulumi.ComponentResource):
    def __init__(self, kind, key, opts=None):
        super().__init__(f"mx:host:{kind}", key, None, opts)

def host(key, port):
    exchanger = Group("MailExchanger", key)
    host = Group("Host", key, pulumi.ResourceOptions(parent=exchanger))
    inner = pulumi.ResourceOptions(parent=host)
    made = []
    for name in ("agent", "packages", "postfix"):
        # Without a command to make it, so that no host is needed.
        made.append(command.remote.Command(
            f"{key}-{name}",
            connection=command.remote.ConnectionArgs(
                host="127.0.0.1", port=port, password="x", dial_error_limit=3, per_dial_timeout=10
            ),
            delete=f"mx-agent remove {name}",
            opts=pulumi.ResourceOptions.merge(inner, pulumi.ResourceOptions(depends_on=made[-1:])),
        ))
    record = pulumi.ResourceOptions(depends_on=made)
    command.local.Command(f"dns-a-{key}", create="true", delete="true", opts=record)
    return made

config = pulumi.Config()
port, keys = config.get_int("port"), config.require_object("hosts")
made = [each for key in keys for each in host(key, port)]
command.local.Command("queues", create="true", opts=pulumi.ResourceOptions(depends_on=made))
"""
LOST = "mx2"


class Lost:
    """A stack of two hosts of which one is no longer in the settings."""

    def __init__(self, project: Project, port: int) -> None:
        self.project, self.port = project, port
        (project.folder / "__main__.py").write_text(PROGRAM)
        project.init("production")
        self.up(["mx1", LOST])

    def run(self, *arguments: str, fails: bool = False) -> str:
        done = self.project.run(*arguments, "--stack", "production")
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def up(self, hosts: list[str], *more: str, fails: bool = False) -> str:
        settings = ["--config", f"mx:hosts={json.dumps(hosts)}", "--config", f"mx:port={self.port}"]
        options = ["--yes", "--skip-preview", "--continue-on-error", *settings]
        return self.run("up", *options, *more, fails=fails)

    def state(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.run("stack", "export"))["deployment"][
            "resources"
        ]
        return found

    def names(self) -> set[str]:
        return {item["urn"].rpartition("::")[2] for item in self.state()}


@pytest.fixture(autouse=True)
def engine_of_the_project(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `mx` asks the engine goes to that of the test."""

    def call(stack: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        return project.run(*arguments, "--stack", stack)

    monkeypatch.setattr(engine, "call", call)


@pytest.fixture
def closed_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def silent_server() -> Iterator[tuple[int, list[socket.socket]]]:
    """A server that takes connections and says nothing; its port and the connections."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    taken.append(listener.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], taken
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in taken:
                connection.close()


def leave(stack: Lost) -> None:
    """What `mx forget` has the engine do, one after the other."""
    names = lost.urns(stack.state(), LOST)
    stack.up(["mx1"], *lost.left_out(names))
    # Its record is gone from DNS, and it was not asked itself.
    assert f"dns-a-{LOST}" not in stack.names()
    assert f"{LOST}-postfix" in stack.names()
    state.forget("production", names, "not forgotten")


def remains(stack: Lost) -> None:
    left = stack.names()
    assert {name for name in left if LOST in name} == set()
    assert {"mx1", "mx1-postfix", "dns-a-mx1", "queues"} <= left
    stack.up(["mx1"], "--expect-no-changes")


def test_removed_host_that_does_not_answer_stays_until_it_is_forgotten(
    project: Project, closed_port: int
) -> None:
    stack = Lost(project, closed_port)
    for _ in range(2):
        output = stack.up(["mx1"], fails=True)
        assert "after 3 failed attempts: dial tcp 127.0.0.1" in output
        assert "connect: connection refused" in output
        # The rest is done, and the state keeps what may still be on the host.
        assert f"dns-a-{LOST}" not in stack.names()
        assert {f"{LOST}-agent", f"{LOST}-packages", f"{LOST}-postfix"} <= stack.names()
    stack.up(["mx1", LOST])
    leave(stack)
    remains(stack)


def test_removed_host_that_says_nothing_is_not_asked(project: Project) -> None:
    with silent_server() as (port, taken):
        stack = Lost(project, port)
        leave(stack)
        remains(stack)
        assert taken == []
