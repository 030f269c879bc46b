"""`destroy` asks the queues first: a host that does not answer keeps all that the stack has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.mapping import mapping

from .conftest import Project

pytestmark = pytest.mark.engine

# What a stack has, as two commands of which one stands on the other; and what asks the queues.
PROGRAM = """
import pulumi
import pulumi_command as command
from components.host import guard_queues
from components.stack import config

first = command.local.Command("first", create="true", delete="echo first >>gone")
second = command.local.Command(
    "second",
    create="true",
    delete="echo second >>gone",
    opts=pulumi.ResourceOptions(depends_on=[first]),
)
guard_queues(config.load(), [second])
"""


def _write(project: Project, give_up: bool) -> None:
    mail: dict[str, Any] = mapping()
    mail["dns"]["privateAddresses"] = True
    mail["ssh"] = {"port": 9}
    for number, host in enumerate(mail["hosts"].values(), 1):
        # Nobody listens there.
        host |= {"sshAddress": f"127.0.0.{number}", "giveUpQueue": give_up}
    text = json.dumps({"config": {"mx:mail": mail}})
    (project.folder / "stacks" / "Pulumi.queues.yaml").write_text(text)


def test_destroy_with_a_host_that_does_not_answer_takes_nothing_away(project: Project) -> None:
    (project.folder / "__main__.py").write_text(PROGRAM)
    _write(project, give_up=False)
    project.init("queues")
    gone = project.folder / "gone"
    options = ("--yes", "--skip-preview", "--stack", "queues")
    done = project.run("up", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    for more in ((), ("--continue-on-error",)):
        done = project.run("destroy", *options, *more)
        plain = " ".join((done.stdout + done.stderr).split())
        assert done.returncode != 0
        assert "Nothing was taken away" in plain
        assert "mx1: its queue was not read, which counts as not empty" in plain
        assert not gone.exists()
    # The reviewed setting names the hosts.
    _write(project, give_up=True)
    done = project.run("up", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    done = project.run("destroy", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert gone.read_text().split() == ["second", "first"]
