"""The lab's stack as an operator handles it: file, `up`, state and the two reports."""

from __future__ import annotations

import json
import os
import smtplib
import subprocess
from pathlib import Path
from typing import Any

from lab import container, topology
from lab.environment import environment
from lab.system import LabError
from lab.topology import CHECKOUT

FILE = CHECKOUT / "stacks" / "Pulumi.lab.yaml"
REPORTS = ("preview", "drift")
_LATER = {
    "[alice, bob,": "[alice, bob, carol,",
    "    domains:\n": "    postfix: {messageSizeLimitBytes: 11000000}\n    domains:\n",
    "sshNetworks: [": "sshNetworks: [192.0.2.7/32, ",
}
UP = ("up", "--yes", "--skip-preview")


def ssh(host: str, command: str) -> str:
    """Run a command on a lab host as root."""
    return container.inside(topology.host(host), ["timeout", "300", "bash", "-c", command])


def reply(host: str, address: str) -> int:
    """The code that an MX host answers RCPT with."""
    with smtplib.SMTP(topology.host(host).address, 25, timeout=60) as session:
        session.ehlo("sender.test")
        session.mail("alice@sender.test")
        return session.rcpt(address)[0]


class Stack:
    """The lab's stack; `plain` is the text of its file before anything is changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plain = FILE.read_text()
        self.environment = os.environ | environment()

    def pulumi(self, *arguments: str) -> None:
        """Call pulumi. Raises LabError with what it printed."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=CHECKOUT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise LabError(f"pulumi {' '.join(arguments)}: {done.stdout[-3000:]}{done.stderr}")

    def command(self, *arguments: str) -> list[str]:
        """The words of a call of pulumi."""
        return ["pulumi", *arguments, "--stack", "lab", "--non-interactive"]

    @property
    def later(self) -> str:
        """The stack file of a later day: a recipient, a size limit and a network more."""
        text = self.plain
        for old, new in _LATER.items():
            if old not in text:
                raise LabError(f"{FILE}: expected {old!r}, which the change of the file needs")
            text = text.replace(old, new, 1)
        return text

    def up(self, text: str | None = None) -> None:
        """`up`, with another stack file when a text is given."""
        if text is not None:
            FILE.write_text(text)
        self.pulumi(*UP)

    def export(self, name: str) -> Path:
        """A backup of the state."""
        path = self.folder / name
        self.pulumi("stack", "export", "--file", str(path))
        return path

    def restore(self, backup: Path, text: str) -> None:
        """The state of a backup, and the stack file that belongs to it."""
        self.pulumi("stack", "import", "--file", str(backup))
        FILE.write_text(text)

    def report(self, script: str) -> tuple[int, dict[str, Any]]:
        """Exit code and document of preview or drift. Raises LabError when it cannot tell."""
        done = subprocess.run(
            [f"scripts/{script}", "lab", "--json"],
            cwd=CHECKOUT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 2):
            raise LabError(f"{script}: exit {done.returncode}: {done.stderr[-3000:]}")
        document: dict[str, Any] = json.loads(done.stdout)
        return done.returncode, document
