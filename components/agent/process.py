"""Commands that the agent runs, and the ways in which a call of the agent ends."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any, NamedTuple, Optional

Json = dict[str, Any]


class Failure(Exception):
    """The call fails; whatever it had changed is undone."""


class NotOurs(Failure):
    """The host belongs to another stack; nothing was begun, and its owners are told of nothing."""


class BadManifest(Exception):
    """The manifest or the command line is wrong; nothing was started."""


class Interrupted(Failure):
    """A signal asked the agent to stop."""


class Result(NamedTuple):
    """What a command came back with."""

    code: int
    out: str
    err: str

    def words(self) -> str:
        """Return what the command said, errors first."""
        parts = [part.strip() for part in (self.err, self.out) if part.strip()]
        return "\n".join(parts) or f"exit code {self.code}"


Run = Callable[[list[str], Optional[bytes], float], Result]  # noqa: UP045 (runtime, 3.9)


def run_command(argv: list[str], stdin: bytes | None = None, timeout: float = 180.0) -> Result:
    """Run a command to its end; a missing program or an overrun is a result like any other."""
    env = dict(os.environ, LC_ALL="C.UTF-8", DEBIAN_FRONTEND="noninteractive")
    env["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    if argv[0] == "systemctl":
        # No links of init scripts, which systemd takes only for services without a unit of their
        # own. For each of them `enable` and `disable` would make systemd read all units twice more.
        env["SYSTEMCTL_SKIP_SYSV"] = "1"
    try:
        done = subprocess.run(
            argv,
            input=b"" if stdin is None else stdin,
            capture_output=True,
            timeout=timeout,
            check=False,
            env=env,
        )
    except FileNotFoundError:
        return Result(127, "", f"{argv[0]}: command not found")
    except PermissionError:
        return Result(126, "", f"{argv[0]}: permission denied")
    except subprocess.TimeoutExpired:
        return Result(124, "", f"{argv[0]}: no end after {timeout:.0f} s")
    return Result(
        done.returncode,
        done.stdout.decode("utf-8", "replace"),
        done.stderr.decode("utf-8", "replace"),
    )


def ignore_signals() -> None:
    """Let a change that has begun come to its end."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
