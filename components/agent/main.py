"""The command line of mx-agent.

Exit codes: 0 done, 1 failed with everything undone, 2 bad manifest or bad usage.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import sys
from pathlib import Path

from .packages import with_resolvers_of_before
from .paths import VERSION
from .process import BadManifest, Failure, Interrupted, ignore_signals
from .verbs import Agent
from .words import emit, explain, status_text


def _on_signal(number: int, _frame: object) -> None:
    ignore_signals()
    raise Interrupted(f"stopped by signal {number}")


VERBS = ("apply", "remove", "rollback", "status", "recover", "install", "uninstall")
HEAL = re.compile(r"--heal [1-9][0-9]{0,11}\Z")
USAGE = (
    "usage: mx-agent apply [--heal N] < manifest | remove NAME | rollback NAME"
    " | status [--json] [NAME] | recover [--boot] | version | install | uninstall"
)


_NO_INPUT_SECONDS = 2.0


def skip_input() -> None:
    """Take the input that the verb has no use for, up to its end.

    The plug-in command gives a resource's `stdin` to its deletion too. A command that ends before
    it has taken all of that fails with "EOF". By hand no end may come, so the wait is short.
    """
    with contextlib.suppress(OSError):  # closed, or cannot be read
        while not os.isatty(0) and select.select([0], [], [], _NO_INPUT_SECONDS)[0]:
            if not os.read(0, 1 << 16):
                return


def main(argv: list[str], agent: Agent | None = None) -> int:
    """Run one verb; return the exit code."""
    agent = agent or Agent()
    verb, rest = (argv[0], argv[1:]) if argv else ("", [])
    try:
        if verb == "_resolvers_of_before" and rest:
            return with_resolvers_of_before(rest, agent)
        if verb == "version" and not rest:
            agent.say(f"mx-agent {VERSION}")
            return 0
        if verb not in VERBS:
            raise BadManifest(USAGE)
        if os.geteuid() != 0 and agent.root == Path("/"):
            raise Failure("mx-agent must run as root")
        os.umask(0o022)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, _on_signal)
        signal.signal(signal.SIGINT, _on_signal)
        # A number only makes a call another one than the engine's state has.
        plain = not rest or bool(HEAL.match(" ".join(rest)))
        if verb == "apply" and plain:
            agent.apply(sys.stdin.buffer.read().decode("utf-8"))
        elif verb == "rollback" and len(rest) == 1:
            agent.rollback(rest[0])
        elif verb == "remove" and len(rest) == 1:
            skip_input()
            agent.remove(rest[0])
        elif verb == "status" and len(names := [word for word in rest if word != "--json"]) <= 1:
            # Whole, because a program reads it; the engine does not log it line by line.
            status = agent.status(*names)
            people = sys.stdout.isatty() and names == rest
            emit(
                sys.stdout,
                agent.redact(status_text(status) if people else json.dumps(status, indent=1)),
            )
        elif verb == "recover" and rest in ([], ["--boot"]):
            agent.recover(boot=bool(rest))
        elif verb == "install" and not rest:
            agent.install_self()
        elif verb == "uninstall" and not rest:
            skip_input()
            agent.uninstall()
        else:
            raise BadManifest(USAGE)
    except BadManifest as error:
        agent.warn(f"mx-agent: {error}")
        return 2
    except UnicodeDecodeError:
        agent.warn("mx-agent: manifest: not UTF-8")
        return 2
    except Failure as error:
        agent.warn(f"mx-agent: {error}")
        return 1
    except OSError as error:
        agent.warn(f"mx-agent: {explain(error, verb)}")
        return 1
    return 0
