"""Runs one command on hosts over SSH, with the keys that the stack file pins."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable

from components.host.ask import SCRIPT, environment, parse
from components.settings.environment import Settings


def sudo(settings: Settings) -> str:
    """What goes before a command that needs root: nothing for root, `sudo -n ` for others."""
    return "" if settings.ssh.user == "root" else "sudo -n "


def run(
    settings: Settings, hosts: Iterable[str], line: str, stdin: str = ""
) -> dict[str, tuple[int, str, str]]:
    """Run a line of shell on each host: the exit code, stdout and stderr.

    255 means that the host was not reached (ssh(1)). Raises pulumi.RunError when a host's key is
    not in the known_hosts file.
    """
    done = subprocess.run(
        ["sh", "-c", SCRIPT.read_text()],
        env=dict(os.environ)
        | environment(settings, hosts, "")
        | {"MX_CALL": line, "MX_STDIN": stdin},
        capture_output=True,
        check=True,
    )
    # As text, subprocess would end lines at carriage returns too, which are the host's own words.
    return parse(done.stdout.decode(errors="replace"))
