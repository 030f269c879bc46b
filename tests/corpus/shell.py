"""A host without SSH: what the recorded commands do in the shells that the recorded host had.

The commands are run for real, in the shell of the user. What the recorded sshd did with variables,
exit codes and signals is done as it did. What a connection does is left to tests/engine, which has
a real sshd.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from typing import Any

from lab.engine import command_local
from lab.engine.command import CommandProvider
from lab.engine.command_result import Result
from lab.engine.command_run import Runner
from lab.engine.plugin import Log
from lab.engine.ssh_channel import exit_error

# AcceptEnv of the recorded sshd; that of the user `plain` has a further one.
_ACCEPTED = ("LANG", "LC_*")
_ACCEPTED_OF_PLAIN = (*_ACCEPTED, "PULUMI_COMMAND_*")
# By number, as sshd(8) names them (session.c, sig2name); all others are "SIG@openssh.com".
_NAMES = {
    1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 6: "ABRT", 8: "FPE", 9: "KILL", 10: "USR1",
    11: "SEGV", 12: "USR2", 13: "PIPE", 14: "ALRM", 15: "TERM",
}  # fmt: skip
_OTHER = "SIG@openssh.com"


class Shell:
    """In the place of a connection: it runs commands in a folder of its own."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._user = str(settings.get("user") or "root")
        self._variables: dict[str, str] = {}
        self._home = tempfile.TemporaryDirectory(prefix="mx-corpus-")

    def session(self) -> None:
        """There is no channel."""

    def setenv(self, channel: None, name: str, value: str) -> bool:
        """Take a variable, or refuse it."""
        accepted = _ACCEPTED_OF_PLAIN if self._user == "plain" else _ACCEPTED
        if not any(fnmatch(name, pattern) for pattern in accepted):
            return False
        self._variables[name] = value
        return True

    def run(
        self, channel: None, command: str, stdin: str, sink: Callable[[int, bytes], None]
    ) -> Result:
        """Run the command."""
        shell = "/bin/bash" if self._user == "root" else "/bin/sh"
        process = subprocess.Popen(
            [os.path.basename(shell), "-c", command],
            executable=shell,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._home.name,
            env={"HOME": self._home.name, "PATH": os.environ["PATH"], **self._variables},
        )
        result = command_local.collect(process, stdin.encode(), sink)
        code = process.returncode
        signal = (_NAMES.get(-code, _OTHER), "") if code < 0 else None
        return Result(result.stdout, result.stderr, result.both, exit_error(code, signal))

    def close(self) -> None:
        """Take the folder away."""
        self._home.cleanup()


class ShellRunner(Runner):
    """Reaches every host at once."""

    def connection(self, urn: str, settings: Mapping[str, Any]) -> Any:
        """The shell of the user."""
        return Shell(settings)


class ShellProvider(CommandProvider):
    """The stand-in with such hosts."""

    def __init__(self, logger: Log) -> None:
        super().__init__(logger)
        self._runner = ShellRunner(logger)
